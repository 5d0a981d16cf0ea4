// `rempart rollback state NAME|system|undo|list|backup`: what is broken is kept, what was good is put back, and all of it can be undone.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../platform/base/json.ts';
import type { BackupsDocument, RollbackDocument } from '../platform/documents/rollback.ts';
import { account } from './account.ts';
import { askRespond } from './ask-respond.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { askLooking } from './playbook-run.ts';
import { backupLines, endLines, planLines, stepLine } from './rollback-output.ts';

const actions = ['state', 'system', 'undo', 'list', 'backup'] as const;
type ActionName = (typeof actions)[number];

export const rollback: Command = {
  name: 'rollback',
  summary: 'rollback.summary',
  positionals: { name: `${actions.join('|')} [NAME…]`, many: true },
  options: {
    'dry-run': { type: 'boolean', summary: 'rollback.flag.dry-run' },
    before: { type: 'string', value: 'TIME', summary: 'rollback.flag.before' },
  },
  actions: {
    state: { usage: 'state NAME', summary: 'rollback.state.summary', options: ['dry-run', 'before'] },
    system: { usage: 'system', summary: 'rollback.system.summary', options: ['dry-run', 'before'] },
    undo: { usage: 'undo RUN', summary: 'rollback.undo.summary', options: [] },
    list: { usage: 'list [NAME…]', summary: 'rollback.list.summary', options: [] },
    backup: { usage: 'backup [NAME…]', summary: 'rollback.backup.summary', options: [] },
  },
  more: 'rollback.more',
  async run(input) {
    const [given = '', ...names] = input.args;
    const action = actions.find((known) => known === given);
    if (action === undefined)
      throw usageError(input, 'rollback', 'cli.usage.choice', { given, known: actions.join(', ') });
    const stray = Object.keys(rollback.options).find(
      (name) => input.options[name] !== undefined && !rollback.actions?.[action]?.options.includes(name),
    );
    if (stray !== undefined)
      throw usageError(input, `rollback ${action}`, 'cli.usage.flag.unknown.far', { flag: `--${stray}` });
    checkNames(input, action, names);
    switch (action) {
      case 'state':
      case 'system':
        return rollBack(input, action, names[0] ?? 'system');
      case 'undo':
        return carryOut(input, 'rollback.undo', names[0] ?? '', { by: account(input.env) });
      case 'list':
        return list(input, names);
      case 'backup':
        return backup(input, names);
    }
  },
};

function checkNames(input: CommandInput, action: ActionName, names: readonly string[]): void {
  const most = { state: 1, undo: 1, system: 0, list: 1_000, backup: 1_000 }[action];
  if ((action === 'state' || action === 'undo') && names.length === 0)
    throw usageError(input, 'rollback', 'cli.usage.argument.missing', {
      command: `rollback ${action}`,
      argument: action === 'state' ? 'NAME' : 'RUN',
    });
  if (names[most] !== undefined)
    throw usageError(input, 'rollback', 'cli.usage.argument.unexpected', { argument: names[most] });
}

async function rollBack(input: CommandInput, kind: 'state' | 'system', target: string): Promise<number> {
  const order = { kind, target, by: account(input.env), before: instantOf(input) };
  if (input.options['dry-run'] === true) {
    const plan = (await askLooking(input, 'rollback.foretell', order)) as unknown as RollbackDocument;
    if (input.json) writeJson(input, plan);
    else input.stdout.write(`${planLines(input, plan).join('\n')}\n`);
    return plan.steps.some(({ state }) => state === 'failed') ? 1 : 0;
  }
  const at = new Date().toISOString().replace(/\.\d+Z$/, '');
  const run = `rb-${at.replaceAll(/[-:]/g, '')}-${randomBytes(3).toString('hex')}`;
  return carryOut(input, 'rollback.run', run, order);
}

/** Says each step on stderr as the record on disk tells it, whoever does the work. */
async function carryOut(input: CommandInput, command: string, run: string, args: JsonObject): Promise<number> {
  const follow = followRun(input, run, command === 'rollback.undo');
  const done = await askRespond(input, command, { ...args, run }, { making: command === 'rollback.run' }).finally(
    follow.end,
  );
  const document = done as unknown as RollbackDocument;
  follow.tell(document);
  if (input.json) writeJson(input, document);
  else input.stdout.write(`${endLines(input, document).join('\n')}\n`);
  return { done: 0, undone: 0, incomplete: 3, failed: 1, running: 1, planned: 1 }[document.state];
}

const lookEveryMs = 200;

function followRun(input: CommandInput, run: string, undo: boolean) {
  const file = join(input.data, 'rollback', `${run}.json`);
  let told = 0;
  const tell = ({ steps }: Pick<RollbackDocument, 'steps'>) => {
    const mine = steps.filter((step) => step.undo === undo && step.state !== 'running');
    for (const step of mine.slice(told)) input.stderr.write(`${stepLine(input, step)}\n`);
    told = Math.max(told, mine.length);
  };
  const look = () => {
    try {
      if (existsSync(file)) tell(JSON.parse(readFileSync(file, 'utf8')) as RollbackDocument);
    } catch {
      // The name may lead nowhere; whoever does the work says what is wrong.
    }
  };
  const timer = setInterval(look, lookEveryMs);
  return { tell, end: () => clearInterval(timer) };
}

async function list(input: CommandInput, states: string[]): Promise<number> {
  const found = (await askLooking(input, 'rollback.list', { states })) as unknown as BackupsDocument;
  if (input.json) writeJson(input, found);
  else input.stdout.write(`${backupLines(input, found).join('\n')}\n`);
  return 0;
}

async function backup(input: CommandInput, states: string[]): Promise<number> {
  const found = (await askRespond(
    input,
    'rollback.backup',
    { states },
    { making: true },
  )) as unknown as BackupsDocument;
  if (input.json) writeJson(input, found);
  else input.stdout.write(`${backupLines(input, found).join('\n')}\n`);
  if (found.states.length === 0) return 3;
  return found.states.every(({ taken }) => taken?.backup != null) ? 0 : 1;
}

function writeJson(input: CommandInput, document: object): void {
  input.stdout.write(`${JSON.stringify(document)}\n`);
}

/** When it first showed: backups from then on are not trusted. */
function instantOf(input: CommandInput): number | null {
  const given = input.options['before'];
  if (given === undefined) return null;
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(String(given)) ? Date.parse(String(given)) : Number.NaN;
  if (Number.isFinite(time)) return time;
  throw usageError(input, 'rollback', 'rollback.usage.before', { given: String(given).slice(0, 100) });
}
