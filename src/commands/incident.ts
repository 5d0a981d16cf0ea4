// `rempart incident list|show|types|open|ack|approve|resolve|close|report|checklist|amend|follow-up`: incidents by hand, through the running instance when there is one.
import { loadConfig } from '../config.ts';
import { answersControl } from '../platform/base/control-socket.ts';
import { type Incident, incidentVerdicts } from '../platform/documents/incident.ts';
import type { Question } from '../platform/documents/incidents.ts';
import { loadTaxonomy } from '../respond/taxonomy/load-taxonomy.ts';
import { account } from './account.ts';
import { askRespond } from './ask-respond.ts';
import { type Command, type CommandInput, usageError, wholeNumber } from './command.ts';
import { describeIncident, describeQuestion, incidentRow, questionRow, typesTable } from './incident-output.ts';
import { type FollowUp, followUpLines, reviewActionsOfIncident, reviewOptions, reviewRuns } from './incident-review.ts';

type Action = (input: CommandInput, rest: readonly string[]) => Promise<number>;

const run: Readonly<Record<string, Action>> = { list, show, types, open, ack, approve, resolve, close, ...reviewRuns };
/** How many words each of them takes after its name; `approve` takes values besides. */
const takes: Readonly<Record<string, string | undefined>> = {
  show: 'ID',
  ack: 'ID',
  approve: 'QUESTION',
  resolve: 'ID',
  close: 'ID',
  report: 'ID',
  checklist: 'ID',
  amend: 'ID',
  'follow-up': 'ID',
};

export const incident: Command = {
  name: 'incident',
  summary: 'incident.summary',
  more: 'incident.more',
  positionals: { name: `${Object.keys(run).join('|')} [ID]`, many: true },
  options: {
    all: { type: 'boolean', summary: 'incident.flag.all' },
    type: { type: 'string', value: 'TYPE', summary: 'incident.flag.type' },
    limit: { type: 'string', value: 'N', summary: 'incident.flag.limit' },
    subject: { type: 'string', value: 'NAME', summary: 'incident.flag.subject' },
    note: { type: 'string', value: 'TEXT', summary: 'incident.flag.note' },
    'no-playbook': { type: 'boolean', summary: 'incident.flag.no-playbook' },
    verdict: { type: 'string', value: incidentVerdicts.join('|'), summary: 'incident.flag.verdict' },
    deny: { type: 'boolean', summary: 'incident.flag.deny' },
    look: { type: 'boolean', summary: 'incident.flag.look' },
    plan: { type: 'string', value: 'HASH', summary: 'incident.flag.plan' },
    ...reviewOptions,
  },
  actions: {
    list: {
      usage: 'list [--all] [--type TYPE] [--limit N]',
      summary: 'incident.list.summary',
      options: ['all', 'type', 'limit'],
    },
    show: { usage: 'show ID', summary: 'incident.show.summary', options: [] },
    types: { usage: 'types', summary: 'incident.types.summary', options: [] },
    open: {
      usage: 'open --type TYPE --subject NAME [--note TEXT] [--no-playbook]',
      summary: 'incident.open.summary',
      options: ['type', 'subject', 'note', 'no-playbook'],
    },
    ack: { usage: 'ack ID', summary: 'incident.ack.summary', options: [] },
    approve: {
      usage: 'approve QUESTION [NAME=VALUE…] [--look|--deny] [--plan HASH]',
      summary: 'incident.approve.summary',
      options: ['deny', 'look', 'plan'],
    },
    resolve: { usage: 'resolve ID', summary: 'incident.resolve.summary', options: [] },
    close: { usage: 'close ID --verdict VERDICT', summary: 'incident.close.summary', options: ['verdict'] },
    ...reviewActionsOfIncident,
  },
  async run(input) {
    const [name = '', ...rest] = input.args;
    const action = Object.hasOwn(run, name) ? run[name] : undefined;
    if (action === undefined)
      throw usageError(input, 'incident', 'cli.usage.choice', { given: name, known: Object.keys(run).join(', ') });
    checkArguments(input, name, rest);
    return await action(input, rest);
  },
};

function checkArguments(input: CommandInput, name: string, rest: readonly string[]): void {
  const argument = takes[name];
  const extra = rest[argument === undefined ? 0 : 1];
  if (extra !== undefined && name !== 'approve')
    throw usageError(input, 'incident', 'cli.usage.argument.unexpected', { argument: extra });
  if (argument !== undefined && rest.length === 0)
    throw usageError(input, 'incident', 'cli.usage.argument.missing', { command: `incident ${name}`, argument });
  const known = incident.actions?.[name]?.options ?? [];
  for (const option of Object.keys(incident.options))
    if (input.options[option] !== undefined && !known.includes(option))
      throw usageError(input, 'incident', 'cli.usage.argument.unexpected', { argument: `--${option}` });
}

async function list(input: CommandInput): Promise<number> {
  const { all, type } = input.options;
  const limit = wholeNumber(input, 'incident', 'limit', { min: 1, max: 10_000 }) ?? 100;
  const filter = { all: all === true, limit, ...(typeof type === 'string' ? { type } : {}) };
  const found = (await askRespond(input, 'incident.list', filter)) as unknown as Listed;
  if (input.json) return print(input, { schema: 'rempart/incidents@1', ...found });
  const { incidents, questions } = found;
  const { say, stdout } = input;
  if (incidents.length === 0) stdout.write(`${say(all === true ? 'incident.none.ever' : 'incident.none')}\n`);
  for (const one of incidents) stdout.write(`${incidentRow(one, input)}\n`);
  if (questions.length > 0) stdout.write(`\n${say('incident.questions')}\n`);
  for (const one of questions) stdout.write(`${questionRow(one, input)}\n`);
  return 0;
}

async function show(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  const found = (await askRespond(input, 'incident.show', { id })) as unknown as Shown;
  if (input.json) return print(input, found.incident);
  const status = (await askRespond(input, 'review.status', { id })) as unknown as FollowUp;
  const lines = [...describeIncident(found.incident, found.questions, input), '', ...followUpLines(status, input)];
  input.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

async function types(input: CommandInput): Promise<number> {
  const { respond } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const { all } = loadTaxonomy(respond.taxonomy);
  if (input.json) return print(input, { schema: 'rempart/incident-types@1', types: all });
  input.stdout.write(`${typesTable(all, input).join('\n')}\n`);
  return 0;
}

async function open(input: CommandInput): Promise<number> {
  const { type, subject, note } = input.options;
  for (const [flag, given] of Object.entries({ type, subject }))
    if (typeof given !== 'string' || given.trim() === '')
      throw usageError(input, 'incident', 'cli.usage.argument.missing', {
        command: 'incident open',
        argument: `--${flag}`,
      });
  const wantsRun = input.options['no-playbook'] !== true;
  const opened = (await askRespond(
    input,
    'incident.open',
    {
      type: String(type).slice(0, 100),
      // What is longer is cut where it is kept; no more than that has to get there.
      subject: String(subject).slice(0, 2_000),
      run: wantsRun,
      by: account(input.env),
      ...(typeof note === 'string' ? { note: note.slice(0, 2_000) } : {}),
    },
    { making: true },
  )) as unknown as Shown & { isNew: boolean };
  if (input.json) return print(input, opened.incident);
  const { say, stdout } = input;
  stdout.write(`${say(opened.isNew ? 'incident.opened' : 'incident.open-already', { id: opened.incident.id })}\n`);
  stdout.write(`${incidentRow(opened.incident, input)}\n`);
  if (opened.isNew && wantsRun && !(await answersControl(input.data)))
    stdout.write(`${say('incident.opened.later')}\n`);
  return 0;
}

function ack(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  return changed(input, 'incident.ack', { id, by: account(input.env) });
}

function resolve(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  return changed(input, 'incident.resolve', { id, by: account(input.env) });
}

async function close(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  const { verdict } = input.options;
  if (!incidentVerdicts.some((known) => known === verdict))
    throw verdict === undefined
      ? usageError(input, 'incident', 'cli.usage.argument.missing', {
          command: 'incident close',
          argument: `--verdict ${incidentVerdicts.join('|')}`,
        })
      : usageError(input, 'incident', 'cli.usage.choice', {
          given: String(verdict),
          known: incidentVerdicts.join(', '),
        });
  return changed(input, 'incident.close', { id, verdict: String(verdict), by: account(input.env) });
}

async function changed(input: CommandInput, command: string, args: Record<string, string>): Promise<number> {
  const after = (await askRespond(input, command, args)) as unknown as Incident;
  if (input.json) return print(input, after);
  input.stdout.write(`${incidentRow(after, input)}\n`);
  return 0;
}

/** Shows what is asked, then decides on exactly that: a plan that has changed meanwhile is refused. */
async function approve(input: CommandInput, [task = '', ...given]: readonly string[]): Promise<number> {
  const { deny, look, plan } = input.options;
  const values = Object.fromEntries(given.map((pair) => namedValue(input, pair)));
  const question = (await askRespond(input, 'incident.question', { task })) as unknown as Question;
  if (look === true) {
    if (input.json) return print(input, { schema: 'rempart/question@1', ...question });
    input.stdout.write(`${describeQuestion(question, input).join('\n')}\n`);
    return 0;
  }
  const shown = input.json ? input.stderr : input.stdout;
  shown.write(`${describeQuestion(question, input).join('\n')}\n`);
  const planHash = typeof plan !== 'string' ? question.planHash : wholeHash(plan, question.planHash);
  const decided = (await askRespond(input, 'incident.decide', {
    task: question.id,
    grant: deny !== true,
    planHash,
    by: account(input.env),
    ...(given.length === 0 ? {} : { values }),
  })) as unknown as Question;
  if (input.json) return print(input, { schema: 'rempart/question@1', ...decided });
  const grants = decided.decisions.filter(({ grant }) => grant).length;
  input.stdout.write(`${input.say(`incident.decided.${decided.state}`, { grants, quorum: decided.quorum })}\n`);
  if (decided.state !== 'open' && !(await answersControl(input.data)))
    input.stdout.write(`${input.say('incident.decided.later')}\n`);
  return 0;
}

/** People type the beginning of a hash; what matches no plan is sent as it is, and refused. */
function wholeHash(given: string, hash: string | null): string {
  return given.length >= 8 && hash?.startsWith(given.toLowerCase()) === true ? hash : given;
}

function namedValue(input: CommandInput, pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at < 1) throw usageError(input, 'incident', 'incident.usage.value', { given: pair });
  const name = pair.slice(0, at);
  return [name.startsWith('__') ? name : `__${name}__`, pair.slice(at + 1)];
}

interface Listed {
  incidents: Incident[];
  questions: Question[];
}
interface Shown {
  incident: Incident;
  questions: Question[];
}

function print({ stdout }: CommandInput, document: object): number {
  stdout.write(`${JSON.stringify(document)}\n`);
  return 0;
}
