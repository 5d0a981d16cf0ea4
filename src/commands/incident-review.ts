// `rempart incident report|checklist|amend|follow-up`: what follows an incident, and what people enter for its report.
import { writeFileSync } from 'node:fs';
import { RempartError } from '../platform/base/errors.ts';
import type { JsonObject } from '../platform/base/json.ts';
import { fileIssue } from '../platform/base/schema-issue.ts';
import { catalogues, type TextKey } from '../platform/i18n/say.ts';
import { visible } from '../platform/reporting/visible.ts';
import type { ChecklistEntry } from '../respond/review/checklist.ts';
import { factWords } from '../respond/review/report/report-words.ts';
import { account } from './account.ts';
import { askRespond } from './ask-respond.ts';
import { type CommandAction, type CommandInput, type CommandOption, usageError, wholeNumber } from './command.ts';

export const reviewOptions: Readonly<Record<string, CommandOption>> = {
  format: { type: 'string', value: 'markdown|html', summary: 'incident.flag.format' },
  out: { type: 'string', short: 'o', value: 'FILE', summary: 'incident.flag.out' },
  force: { type: 'boolean', summary: 'incident.flag.force' },
  run: { type: 'boolean', summary: 'incident.flag.run' },
  tick: { type: 'string', value: 'POINT', summary: 'incident.flag.tick' },
  cause: { type: 'string', value: 'TEXT', summary: 'incident.flag.cause' },
  corrective: { type: 'string', value: 'TEXT', summary: 'incident.flag.corrective' },
  preventive: { type: 'string', value: 'TEXT', summary: 'incident.flag.preventive' },
  done: { type: 'string', value: 'N', summary: 'incident.flag.done' },
  lesson: { type: 'string', value: 'TEXT', summary: 'incident.flag.lesson' },
  downtime: { type: 'string', value: 'MINUTES', summary: 'incident.flag.downtime' },
  services: { type: 'string', value: 'NAME,NAME', summary: 'incident.flag.services' },
  'data-compromised': { type: 'string', value: 'yes|no', summary: 'incident.flag.data-compromised' },
  users: { type: 'string', value: 'N', summary: 'incident.flag.users' },
  held: { type: 'boolean', summary: 'incident.flag.held' },
};

const entered = [
  'cause',
  'corrective',
  'preventive',
  'done',
  'lesson',
  'downtime',
  'services',
  'data-compromised',
  'users',
];

export const reviewActionsOfIncident: Readonly<Record<string, CommandAction>> = {
  report: {
    usage: 'report ID [--format markdown|html] [--out FILE [--force]]',
    summary: 'incident.report.summary',
    options: ['format', 'out', 'force'],
  },
  checklist: {
    usage: 'checklist ID [--run] [--tick POINT [--note TEXT]]',
    summary: 'incident.checklist.summary',
    options: ['run', 'tick', 'note'],
  },
  amend: {
    usage: 'amend ID [--cause TEXT] [--corrective TEXT] [--preventive TEXT] [--done N] [--lesson TEXT]',
    summary: 'incident.amend.summary',
    options: entered,
  },
  'follow-up': { usage: 'follow-up ID [--held]', summary: 'incident.follow-up.summary', options: ['held'] },
};

type Run = (input: CommandInput, rest: readonly string[]) => Promise<number>;

export const reviewRuns: Readonly<Record<string, Run>> = { report, checklist, amend, 'follow-up': followUp };

async function report(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  const { format: given, out, force } = input.options;
  const format = given ?? (typeof out === 'string' && /\.html?$/i.test(out) ? 'html' : 'markdown');
  if (format !== 'markdown' && format !== 'html')
    throw usageError(input, 'incident', 'cli.usage.choice', { given: String(format), known: 'markdown, html' });
  const { text } = (await askRespond(input, 'review.report', { id, lang: input.lang, format })) as { text: string };
  const document = { schema: 'rempart/incident-report@1', incident: id.toUpperCase(), format };
  if (typeof out === 'string') {
    write(out, text, force === true);
    input.stderr.write(`${input.say('incident.report.written', { file: out })}\n`);
    return input.json ? print(input, { ...document, file: out }) : 0;
  }
  if (input.json) return print(input, { ...document, text });
  input.stdout.write(text);
  return 0;
}

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new RempartError('ERR_OUTPUT_EXISTS', { file }, error);
    throw new RempartError('ERR_OUTPUT_UNWRITABLE', { file, what: fileIssue(error) }, error);
  }
}

interface Listed {
  incident: string;
  complete: boolean;
  points: ChecklistEntry[];
}

/** Exit 1 while a point is open: the incident is not over. */
async function checklist(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  const { run, tick, note } = input.options;
  if (note !== undefined && tick === undefined)
    throw usageError(input, 'incident', 'cli.usage.argument.missing', {
      command: 'incident checklist --note',
      argument: '--tick POINT',
    });
  const ask = async (command: string, args: JsonObject) =>
    (await askRespond(input, command, args)) as unknown as Listed;
  let found: Listed | undefined;
  if (run === true) {
    input.stderr.write(`${input.say('incident.checklist.running')}\n`);
    found = await ask('review.check', { id });
  }
  if (typeof tick === 'string') {
    const said = typeof note === 'string' ? { note } : {};
    found = await ask('review.tick', { id, point: tick, by: account(input.env), ...said });
  }
  found ??= await ask('review.checklist', { id });
  if (input.json) print(input, found);
  else input.stdout.write(`${checklistLines(found, input).join('\n')}\n`);
  return found.complete ? 0 : 1;
}

function checklistLines({ points, complete }: Listed, { say }: CommandInput): string[] {
  if (points.length === 0) return [say('incident.checklist.none')];
  const rows = points.flatMap(({ point, state, evidence, tick, passed }) => [
    `[${passed ? 'x' : ' '}] ${say(`review.point.${point}`)} (${point}): ${say(`review.state.${state}`)}`,
    ...(Object.keys(evidence).length === 0 ? [] : [`      ${visible(factWords(evidence))}`]),
    ...(tick === null
      ? []
      : [
          `      ${visible(say('incident.checklist.tick', { by: tick.by, time: minute(tick.at), note: tick.note ?? '' })).trimEnd()}`,
        ]),
  ]);
  const open = points.filter(({ passed }) => !passed).length;
  return [...rows, '', complete ? say('incident.checklist.complete') : say('incident.checklist.open', { count: open })];
}

async function amend(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  const change = changeOf(input);
  if (Object.keys(change).length === 0)
    throw usageError(input, 'incident', 'cli.usage.argument.missing', {
      command: 'incident amend',
      argument: entered.map((name) => `--${name}`).join('|'),
    });
  const after = await askRespond(input, 'review.amend', { id, by: account(input.env), change });
  if (input.json) return print(input, after as object);
  input.stdout.write(`${input.say('incident.amended', { id: id.toUpperCase() })}\n`);
  return 0;
}

function changeOf(input: CommandInput): JsonObject {
  const { options } = input;
  const words = (name: string) => (typeof options[name] === 'string' ? { [name]: options[name] } : {});
  const whole = (option: string, name: string, max: number, min = 0) => {
    const number = wholeNumber(input, 'incident', option, { min, max });
    return number === undefined ? {} : { [name]: number };
  };
  const { services, 'data-compromised': compromised } = options;
  const yes = ['yes', 'oui'].includes(String(compromised));
  if (compromised !== undefined && !yes && !['no', 'non'].includes(String(compromised)))
    throw usageError(input, 'incident', 'cli.usage.choice', { given: String(compromised), known: 'yes, no' });
  return {
    ...words('cause'),
    ...words('corrective'),
    ...words('preventive'),
    ...words('lesson'),
    ...whole('done', 'done', 1_000, 1),
    ...whole('downtime', 'downtimeMinutes', 5_256_000),
    ...whole('users', 'usersAffected', 1_000_000_000),
    ...(compromised === undefined ? {} : { dataCompromised: yes }),
    ...(typeof services === 'string'
      ? { services: services.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()])) }
      : {}),
  };
}

export interface FollowUp {
  deadlines: { kind: string; level: string; dueAt: string; state: string }[];
  notifications: { what: string; contact: string; channel: string; state: string; code: string | null }[];
  heightened: { from: string; until: string } | null;
}

async function followUp(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  const held = input.options['held'] === true;
  const asked = held
    ? askRespond(input, 'review.held', { id, by: account(input.env) })
    : askRespond(input, 'review.status', { id });
  const status = (await asked) as unknown as FollowUp;
  if (input.json) return print(input, status);
  input.stdout.write(`${followUpLines(status, input).join('\n')}\n`);
  return 0;
}

/** These only tell when people are reminded. */
const reminders = ['remind', 'post-mortem-remind'];

/** Which deadlines run, who was told, and how long monitoring is heightened. */
export function followUpLines(
  { deadlines, notifications, heightened }: FollowUp,
  { say }: Pick<CommandInput, 'say'>,
): string[] {
  const open = deadlines.filter(({ state, kind }) => state === 'open' && !reminders.includes(kind));
  const word = (key: string, otherwise: string) =>
    Object.hasOwn(catalogues.en, key) ? say(key as TextKey) : visible(otherwise);
  return [
    say('incident.follow-up.deadlines'),
    ...(open.length === 0 ? [`  ${say('review.report.none')}`] : []),
    ...open.map(({ kind, dueAt }) => `  ${minute(dueAt)}  ${word(`review.deadline.${kind}`, kind)}`),
    say('incident.follow-up.notifications'),
    ...(notifications.length === 0 ? [`  ${say('review.report.notifications.none')}`] : []),
    ...notifications.map(({ what, contact, channel, state, code }) =>
      [
        `  ${word(`review.notice.${what}`, what)}`,
        visible(contact),
        word(`review.channel.${channel}`, channel),
        `${word(`review.message.${state}`, state)}${code === null ? '' : ` (${visible(code)})`}`,
      ].join('  '),
    ),
    heightened === null
      ? say('review.report.heightened.none')
      : say('review.report.heightened', { from: minute(heightened.from), until: minute(heightened.until) }),
  ];
}

function minute(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`;
}

function print({ stdout }: CommandInput, document: object): number {
  stdout.write(`${JSON.stringify(document)}\n`);
  return 0;
}
