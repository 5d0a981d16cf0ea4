// `rempart playbook run|resume`: foretells a playbook, or has it carried out and says on stderr what it does, until it ends or asks people.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RempartError } from '../platform/base/errors.ts';
import type { Json, JsonObject } from '../platform/base/json.ts';
import type { PlaybookPlanDocument, PlaybookRunDocument } from '../platform/documents/playbook.ts';
import { account } from './account.ts';
import { askRespond } from './ask-respond.ts';
import { type CommandInput, usageError } from './command.ts';
import { instanceAnswers } from './hold-data.ts';
import { planLines, runLines, stepLine } from './playbook-output.ts';

type Run = Omit<PlaybookRunDocument, 'schema'>;
type Ask = (command: string, args: JsonObject) => Promise<Json>;

const lookEveryMs = 200;
/** A run that asks people and does nothing else for so long waits for them. */
const quietMs = 1_500;

export async function runPlaybook(input: CommandInput, name: string): Promise<number> {
  const args = startArgs(input, name);
  if (input.options['dry-run'] === true) return foretell(input, args);
  return withRespond(input, async (ask) => {
    const { run } = (await ask('playbook.start', args)) as unknown as Run;
    return follow(input, ask, run);
  });
}

export function resumeRun(input: CommandInput, run: string): Promise<number> {
  return withRespond(input, async (ask) => {
    const { state } = (await ask('playbook.run', { run })) as unknown as Run;
    if (isOver(state)) throw new RempartError('ERR_RUN_OVER', { run, state });
    return follow(input, ask, run);
  });
}

/** Looks only: where there is no data directory, none is made. */
export async function askLooking(input: CommandInput, command: string, args: JsonObject): Promise<Json> {
  if (existsSync(input.data)) return askRespond(input, command, args);
  const data = mkdtempSync(join(tmpdir(), 'rempart-look-'));
  try {
    return await askRespond({ ...input, data }, command, args, { making: true });
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

async function foretell(input: CommandInput, args: JsonObject): Promise<number> {
  const plan = (await askLooking(input, 'playbook.foretell', args)) as unknown as Omit<PlaybookPlanDocument, 'schema'>;
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/playbook-plan@1', ...plan })}\n`);
  else input.stdout.write(`${planLines(plan, input.lang, input.say).join('\n')}\n`);
  return plan.end.state === 'done' ? 0 : 1;
}

/** One conversation with respond: the instance carries runs out, and without one this command does while it lasts. */
async function withRespond(input: CommandInput, work: (ask: Ask) => Promise<number>): Promise<number> {
  if (await instanceAnswers(input.data)) return work((command, args) => askRespond(input, command, args));
  let code = 0;
  const inside = { making: true, working: true } as const;
  await askRespond(
    input,
    'playbook.run',
    {},
    {
      ...inside,
      inside: async ({ commands }) => {
        code = await work(async (command, args) => {
          const handler = commands[command];
          if (handler === undefined) throw new RempartError('ERR_CONTROL_COMMAND', { command });
          return handler(args);
        });
        return null;
      },
    },
  );
  return code;
}

async function follow(input: CommandInput, ask: Ask, id: string): Promise<number> {
  const told = new Map<string, string>();
  let quietSince = Date.now();
  for (;;) {
    const run = (await ask('playbook.run', { run: id })) as unknown as Run;
    for (const step of run.steps) {
      if (told.get(step.key) === step.state) continue;
      told.set(step.key, step.state);
      quietSince = Date.now();
      input.stderr.write(`${stepLine(step, input.lang, input.say)}\n`);
    }
    const waits = run.questions.length > 0 && Date.now() - quietSince >= quietMs;
    if (isOver(run.state) || waits) return tell(input, run);
    if (input.signal.aborted) {
      input.stderr.write(`${input.say('playbook.run.left', { run: id })}\n`);
      return 130;
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

function tell(input: CommandInput, run: Run): number {
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/playbook-run@1', ...run })}\n`);
  else input.stdout.write(`${runLines(run, input.lang, input.say).join('\n')}\n`);
  return run.state === 'done' ? 0 : isOver(run.state) ? 1 : 3;
}

function isOver(state: Run['state']): boolean {
  return state !== 'waiting' && state !== 'running';
}

function startArgs(input: CommandInput, name: string): JsonObject {
  const { subject, incident } = input.options;
  return {
    name,
    text: /[/\\]|\.json$/.test(name) ? readText(name) : null,
    subject: typeof subject === 'string' ? subject : null,
    incident: typeof incident === 'string' ? incident : null,
    variables: variablesOf(input),
    by: account(input.env),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new RempartError('ERR_PLAYBOOK_UNREADABLE', { file }, error);
  }
}

/** `name=value` by commas; the underscores round a name may be left out. */
function variablesOf(input: CommandInput): Record<string, string> {
  const given = input.options['var'];
  if (typeof given !== 'string') return {};
  const pairs = given.split(',').map((pair): [string, string] => {
    const [, name, value] = /^\s*([a-zA-Z_][\w-]*)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined || value === undefined)
      throw usageError(input, 'playbook', 'playbook.usage.var', { given: pair.slice(0, 100) });
    return [name.startsWith('__') ? name : `__${name}__`, value];
  });
  return Object.fromEntries(pairs);
}
