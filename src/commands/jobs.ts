// `rempart jobs add|list|show|cancel|work`: exports as durable jobs that any number of nodes work through.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { engineOf } from '../analyze/engine.ts';
import { contentHash } from '../analyze/jobs/content-hash.ts';
import type { Job, JobOrder } from '../analyze/jobs/job.ts';
import { work } from '../analyze/jobs/work.ts';
import { type ReportFormat, reportFormats } from '../analyze/report/render.ts';
import { RempartError } from '../platform/base/errors.ts';
import { visible } from '../platform/reporting/visible.ts';
import { type Command, type CommandInput, usageError, wholeNumber } from './command.ts';
import { details, documentOf, reporter, row } from './jobs-output.ts';
import { reachQueue } from './jobs-queue.ts';

const actions = ['add', 'list', 'show', 'cancel', 'work'] as const;
type Action = (typeof actions)[number];

export const jobs: Command = {
  name: 'jobs',
  summary: 'jobs.summary',
  more: 'jobs.more',
  positionals: { name: `${actions.join('|')} [FILE|DIR|ID]…`, many: true },
  options: {
    format: { type: 'string', value: 'md,html,json,sarif,junit', summary: 'jobs.flag.format' },
    out: { type: 'string', short: 'o', value: 'DIR', summary: 'jobs.flag.out' },
    once: { type: 'boolean', summary: 'jobs.flag.once' },
    lease: { type: 'string', value: 'SECONDS', summary: 'jobs.flag.lease' },
  },
  actions: {
    add: { usage: 'add FILE|DIR… [--format md,html] [--lang fr]', summary: 'jobs.add.summary', options: ['format'] },
    list: { usage: 'list', summary: 'jobs.list.summary', options: [] },
    show: { usage: 'show ID', summary: 'jobs.show.summary', options: [] },
    cancel: { usage: 'cancel ID', summary: 'jobs.cancel.summary', options: [] },
    work: {
      usage: 'work [--once] [--out DIR] [--lease SECONDS]',
      summary: 'jobs.work.summary',
      options: ['once', 'out', 'lease'],
    },
  },
  async run(input) {
    const [name = '', ...rest] = input.args;
    const action = actions.find((known) => known === name);
    if (action === undefined)
      throw usageError(input, 'jobs', 'cli.usage.choice', { given: name, known: actions.join(', ') });
    checkArguments(input, action, rest);
    return await { add, list, show, cancel, work: workHere }[action](input, rest);
  },
};

function checkArguments(input: CommandInput, action: Action, rest: readonly string[]): void {
  const most = { add: Number.POSITIVE_INFINITY, list: 0, show: 1, cancel: 1, work: 0 }[action];
  const extra = rest[most];
  if (extra !== undefined) throw usageError(input, 'jobs', 'cli.usage.argument.unexpected', { argument: extra });
  if (most > 0 && rest.length === 0)
    throw usageError(input, 'jobs', 'cli.usage.argument.missing', {
      command: `jobs ${action}`,
      argument: action === 'add' ? 'FILE' : 'ID',
    });
  const taken = jobs.actions?.[action]?.options ?? [];
  for (const option of Object.keys(jobs.options))
    if (input.options[option] !== undefined && !taken.includes(option))
      throw usageError(input, 'jobs', 'cli.usage.argument.unexpected', { argument: `--${option}` });
}

async function add(input: CommandInput, paths: readonly string[]): Promise<number> {
  const formats = formatsOf(input);
  const { version, rules } = engineOf(programVersion());
  // All are looked at before the first is queued: a mistyped name queues nothing.
  const orders: JobOrder[] = [];
  for (const path of new Set(paths.map((given) => resolve(given))))
    orders.push({
      path,
      contentHash: await contentHash(path),
      formats,
      lang: input.lang,
      engine: `${version} ${rules.hash}`,
    });
  const { use, close } = await reachQueue(input, true);
  try {
    const found = await use(async (queue) => {
      const all = [];
      for (const order of orders) all.push(await queue.add(order));
      return all;
    });
    if (input.json)
      print(input, 'rempart/jobs-added@1', { jobs: found.map(({ job, added }) => ({ added, ...documentOf(job) })) });
    else
      for (const { job, added } of found) {
        const facts = { id: job.id, path: visible(job.path), state: input.say(`jobs.state.${job.state}`) };
        input.stdout.write(`${input.say(added ? 'jobs.added' : 'jobs.known', facts)}\n`);
      }
    return 0;
  } finally {
    await close();
  }
}

async function list(input: CommandInput): Promise<number> {
  const { use, close } = await reachQueue(input, false);
  try {
    const found = await use((queue) => queue.list());
    if (input.json) print(input, 'rempart/jobs@1', { jobs: found.map(documentOf) });
    else if (found.length === 0) input.stdout.write(`${input.say('jobs.none')}\n`);
    else for (const job of found) input.stdout.write(`${row(job, input)}\n`);
    return 0;
  } finally {
    await close();
  }
}

async function show(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  const { use, close } = await reachQueue(input, false);
  try {
    const job: Job | null = await use((queue) => queue.find(id));
    if (job === null) throw new RempartError('ERR_JOB_UNKNOWN', { id });
    if (input.json) print(input, 'rempart/job@1', documentOf(job));
    else input.stdout.write(`${details(job, input).join('\n')}\n`);
    return 0;
  } finally {
    await close();
  }
}

async function cancel(input: CommandInput, [id = '']: readonly string[]): Promise<number> {
  const { use, close } = await reachQueue(input, false);
  try {
    if (!(await use((queue) => queue.cancel(id)))) {
      const there = await use((queue) => queue.find(id));
      throw new RempartError(there === null ? 'ERR_JOB_UNKNOWN' : 'ERR_JOB_OVER', { id });
    }
    if (input.json) print(input, 'rempart/job-cancellation@1', { id });
    else input.stdout.write(`${input.say('jobs.cancelled', { id })}\n`);
    return 0;
  } finally {
    await close();
  }
}

/** 1 when a job that this node had has failed for good; 130 when it was stopped in the middle of --once. */
async function workHere(input: CommandInput): Promise<number> {
  const seconds = wholeNumber(input, 'jobs', 'lease', { min: 1, max: 3_600 }) ?? 60;
  const given = input.options['out'];
  const out = resolve(typeof given === 'string' ? given : join(input.data, 'jobs'));
  const node = `${hostname().replaceAll(/[^\w.-]/g, '-')}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const once = input.options['once'] === true;
  const { use, close } = await reachQueue(input, true);
  const report = reporter(input);
  try {
    input.stderr.write(`${input.say('jobs.work.begins', { node, out: visible(out) })}\n`);
    await work({
      use,
      node,
      out,
      version: programVersion(),
      leaseMs: seconds * 1_000,
      once,
      signal: input.signal,
      onEvent: report.tell,
    });
    const { done, failed } = report;
    input.stderr.write(`${input.say('jobs.work.over', { done: done.length, failed: failed.length })}\n`);
    if (input.json) print(input, 'rempart/jobs-work@1', { node, done, failed });
    if (once && input.signal.aborted) return 130;
    return failed.length > 0 ? 1 : 0;
  } finally {
    await close();
  }
}

function formatsOf(input: CommandInput): ReportFormat[] {
  const given = String(input.options['format'] ?? 'md');
  const names = given.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !reportFormats.some((known) => known === name));
  if (wrong !== undefined)
    throw usageError(input, 'jobs', 'cli.usage.choice', { given: wrong, known: reportFormats.join(', ') });
  return reportFormats.filter((known) => names.includes(known));
}

function print({ stdout }: CommandInput, schema: string, facts: object): void {
  stdout.write(`${JSON.stringify({ schema, ...facts })}\n`);
}

function programVersion(): string {
  const file = join(import.meta.dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
