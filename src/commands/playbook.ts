// `rempart playbook list|show|validate|run|resume|runs`: playbooks of CACAO v2, seen, checked, foretold and carried out.
import { existsSync } from 'node:fs';
import { loadConfig } from '../config.ts';
import type { PlaybookRunDocument, PlaybooksDocument } from '../platform/documents/playbook.ts';
import { loadPlaybooks } from '../respond/playbooks/library.ts';
import { readPlaybookFile } from '../respond/playbooks/read-playbook.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { listLines, printable, runLines, showLines } from './playbook-output.ts';
import { askLooking, resumeRun, runPlaybook } from './playbook-run.ts';

const actions = ['list', 'show', 'validate', 'run', 'resume', 'runs'] as const;

export const playbook: Command = {
  name: 'playbook',
  summary: 'playbook.summary',
  positionals: { name: `${actions.join('|')} [NAME|FILE|RUN]…`, many: true, optional: true },
  options: {
    subject: { type: 'string', value: 'NAME', summary: 'playbook.flag.subject' },
    incident: { type: 'string', value: 'ID', summary: 'playbook.flag.incident' },
    var: { type: 'string', value: 'NAME=VALUE,…', summary: 'playbook.flag.var' },
    'dry-run': { type: 'boolean', summary: 'playbook.flag.dry-run' },
  },
  actions: {
    list: { usage: 'list', summary: 'playbook.list.summary', options: [] },
    show: { usage: 'show NAME', summary: 'playbook.show.summary', options: [] },
    validate: { usage: 'validate [FILE…]', summary: 'playbook.validate.summary', options: [] },
    run: {
      usage: 'run NAME|FILE [--subject NAME] [--incident ID] [--var NAME=VALUE,…] [--dry-run]',
      summary: 'playbook.run.summary',
      options: ['subject', 'incident', 'var', 'dry-run'],
    },
    resume: { usage: 'resume RUN', summary: 'playbook.resume.summary', options: [] },
    runs: { usage: 'runs', summary: 'playbook.runs.summary', options: [] },
  },
  more: 'playbook.more',
  async run(input) {
    const [given = 'list', ...args] = input.args;
    const action = actions.find((name) => name === given);
    switch (action) {
      case 'list':
        return list(input, nothing(input, args));
      case 'runs':
        return runs(input, nothing(input, args));
      case 'show':
        return show(input, one(input, 'show', 'NAME', args));
      case 'validate':
        return validate(input, args);
      case 'run':
        return runPlaybook(input, one(input, 'run', 'NAME', args));
      case 'resume':
        return resumeRun(input, one(input, 'resume', 'RUN', args));
      case undefined:
        throw usageError(input, 'playbook', 'cli.usage.choice', { given, known: actions.join(', ') });
    }
  },
};

function nothing(input: CommandInput, [extra]: string[]): undefined {
  if (extra === undefined) return undefined;
  throw usageError(input, 'playbook', 'cli.usage.argument.unexpected', { argument: extra });
}

function one(input: CommandInput, action: string, argument: string, [first, ...more]: string[]): string {
  if (first === undefined)
    throw usageError(input, 'playbook', 'cli.usage.argument.missing', { command: `playbook ${action}`, argument });
  nothing(input, more);
  return first;
}

async function list(input: CommandInput, _none: undefined): Promise<number> {
  const listed = (await askLooking(input, 'playbook.list', {})) as unknown as Omit<PlaybooksDocument, 'schema'>;
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/playbooks@1', ...listed })}\n`);
  else input.stdout.write(`${listLines(listed, input.lang, input.say).join('\n')}\n`);
  return 0;
}

async function runs(input: CommandInput, _none: undefined): Promise<number> {
  const all = (await askLooking(input, 'playbook.runs', {})) as unknown as Omit<PlaybookRunDocument, 'schema'>[];
  if (input.json)
    input.stdout.write(`${JSON.stringify(all.map((run) => ({ schema: 'rempart/playbook-run@1', ...run })))}\n`);
  else if (all.length === 0) input.stdout.write(`${input.say('playbook.runs.none')}\n`);
  else for (const run of all) input.stdout.write(`${run.createdAt} ${runLines(run, input.lang, input.say)[0]}\n`);
  return 0;
}

async function show(input: CommandInput, name: string): Promise<number> {
  const { lang, say, stdout, json } = input;
  if (existsSync(name)) {
    const read = await readPlaybookFile(name);
    if (Array.isArray(read)) return validate(input, [name]);
    stdout.write(
      json ? `${JSON.stringify(read.playbook)}\n` : `${showLines({ name, file: name, read }, lang, say).join('\n')}\n`,
    );
    return 0;
  }
  const { respond } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const found = (await loadPlaybooks(respond.playbooks)).find(name);
  stdout.write(json ? `${found.text.trim()}\n` : `${showLines(found, lang, say).join('\n')}\n`);
  return 0;
}

/** Without a file: every playbook of the library. */
async function validate(input: CommandInput, given: string[]): Promise<number> {
  const { say } = input;
  const files = given.length > 0 ? given : await libraryFiles(input);
  const checked = [];
  for (const file of files) {
    const read = await readPlaybookFile(file);
    const problems = (Array.isArray(read) ? read : read.problems).map(({ severity, at, rule, facts }) => ({
      severity,
      at,
      rule: rule.replace('playbook.lint.', ''),
      message: say(rule, facts),
    }));
    const runnable = problems.every(({ severity }) => severity !== 'error');
    checked.push({ file, name: Array.isArray(read) ? null : read.playbook.name, runnable, problems });
  }
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/playbook-check@1', playbooks: checked })}\n`);
  else
    for (const { file, runnable, problems } of checked) {
      input.stdout.write(`${say(runnable ? 'playbook.runnable' : 'playbook.refused', { file })}\n`);
      for (const { severity, at, message } of problems)
        input.stdout.write(`  ${say(`playbook.${severity}`)}  ${printable(at)}: ${printable(message)}\n`);
    }
  return checked.every(({ runnable }) => runnable) ? 0 : 1;
}

async function libraryFiles(input: CommandInput): Promise<string[]> {
  const { respond } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const { all, refused } = await loadPlaybooks(respond.playbooks);
  return [...all, ...refused].map(({ file }) => file);
}
