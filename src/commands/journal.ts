// `rempart journal verify|tail|export|search`: the evidence log proved, shown, copied, searched; an instance may run meanwhile.
import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { explainError, RempartError } from '../platform/base/errors.ts';
import { type Head, segmentPattern } from '../platform/journal/chain.ts';
import { linesOf } from '../platform/journal/lines.ts';
import { type JournalRecord, readRecord } from '../platform/journal/record.ts';
import { type Problem, type VerifyReport, verifyJournal } from '../platform/journal/verify.ts';
import { type Command, type CommandInput, usageError, wholeNumber } from './command.ts';
import { search } from './journal-search.ts';
import { knownNames } from './known-names.ts';
import { openOutput, unwritable } from './output-file.ts';

const actions = ['verify', 'tail', 'export', 'search'] as const;

export const journal: Command = {
  name: 'journal',
  summary: 'journal.summary',
  positionals: { name: `${actions.join('|')} [TEXT|FIELD=VALUE]…`, many: true },
  options: {
    lines: { type: 'string', short: 'n', value: 'N', summary: 'journal.flag.lines' },
    out: { type: 'string', value: 'FILE', summary: 'journal.flag.out' },
    force: { type: 'boolean', summary: 'journal.flag.force' },
    since: { type: 'string', value: 'TIME', summary: 'journal.flag.since' },
    until: { type: 'string', value: 'TIME', summary: 'journal.flag.until' },
    expect: { type: 'string', value: 'STREAM:SEQ:HASH', summary: 'journal.flag.expect' },
  },
  actions: {
    verify: { usage: 'verify [--expect STREAM:SEQ:HASH]', summary: 'journal.verify.summary', options: ['expect'] },
    tail: { usage: 'tail [-n N]', summary: 'journal.tail.summary', options: ['lines'] },
    export: { usage: 'export [--out FILE [--force]]', summary: 'journal.export.summary', options: ['out', 'force'] },
    search: {
      usage: 'search TEXT FIELD=VALUE [--since TIME] [--until TIME] [-n N]',
      summary: 'journal.search.summary',
      options: ['since', 'until', 'lines'],
    },
  },
  more: 'journal.search.help',
  async run(input) {
    const dir = join(input.data, 'journal');
    const action = actions.find((name) => name === input.args[0]);
    const [, extra] = input.args;
    if (extra !== undefined && action !== undefined && action !== 'search')
      throw usageError(input, 'journal', 'cli.usage.argument.unexpected', { argument: extra });
    switch (action) {
      case 'verify':
        return verify(input, dir);
      case 'tail':
        return tail(input, dir);
      case 'export':
        return exportAll(input, dir);
      case 'search':
        return search(input, summary);
      case undefined:
        throw usageError(input, 'journal', 'cli.usage.choice', {
          given: input.args[0] ?? '',
          known: actions.join(', '),
        });
    }
  },
};

async function verify(input: CommandInput, dir: string): Promise<number> {
  const { json, stdout } = input;
  const report = await verifyJournal({ dir, expect: expectedHeads(input) });
  if (json) stdout.write(`${JSON.stringify({ schema: 'rempart/journal-verification@1', ...report })}\n`);
  else stdout.write(`${describe(report, input).join('\n')}\n`);
  return report.ok ? 0 : 1;
}

/** What an earlier `verify` said to keep: STREAM:SEQ:HASH, several by commas. */
function expectedHeads(input: CommandInput): Record<string, Head> {
  const given = input.options['expect'];
  if (typeof given !== 'string') return {};
  const heads = given.split(',').map((one): [string, Head] => {
    const [, stream, seq, hash] = /^([^:]+):(\d{1,15}):([0-9a-f]{64})$/.exec(one.trim()) ?? [];
    if (stream === undefined || seq === undefined || hash === undefined)
      throw usageError(input, 'journal', 'journal.expect.invalid', { given: one.trim() });
    return [stream, { seq: Number(seq), hash }];
  });
  return Object.fromEntries(heads);
}

function describe({ ok, streams, checkpoints }: VerifyReport, input: CommandInput): string[] {
  const { say } = input;
  const lines = streams.flatMap(({ stream, records, signedUpTo, problem, torn, outcomeUnknown }) => {
    const facts = { stream, records: counted(input, 'records', records), signed: signedUpTo };
    const requests = counted(input, 'requests', outcomeUnknown.count);
    return [
      problem === null
        ? say('journal.stream.ok', facts)
        : `${say('journal.stream.bad', facts)} ${explain(problem, say)}`,
      ...(torn === null ? [] : [`  ${say('journal.torn', { file: torn.file, line: torn.line })}`]),
      // Where a record is missing, it may have been the outcome: no crash is to blame.
      ...(outcomeUnknown.count === 0
        ? []
        : [`  ${say(problem === null ? 'journal.unknown' : 'journal.unknown.altered', { requests })}`]),
    ];
  });
  const signed =
    checkpoints.problem === null
      ? counted(input, 'checkpoints', checkpoints.count)
      : `${say('journal.checkpoints.bad')} ${explain(checkpoints.problem, say)}`;
  if (!ok) return [...lines, signed, tampered(streams, checkpoints, input)];
  const heads = streams.map(({ stream, head }) => `${stream}:${head.seq}:${head.hash}`);
  return [...lines, signed, say('journal.intact'), say('journal.keep'), `  --expect ${heads.join(',')}`];
}

function tampered(
  streams: VerifyReport['streams'],
  checkpoints: VerifyReport['checkpoints'],
  { say, lang }: CommandInput,
): string {
  const first = streams.find(({ problem }) => problem !== null)?.problem ?? checkpoints.problem;
  const what = first === null ? '' : explain(first, say);
  const { says, todo } = explainError(new RempartError('ERR_JOURNAL_TAMPERED', { what }), lang);
  return `${says} (ERR_JOURNAL_TAMPERED). ${todo}`;
}

const nouns = {
  records: { one: 'journal.records.one', many: 'journal.records.many' },
  requests: { one: 'journal.requests.one', many: 'journal.requests.many' },
  checkpoints: { one: 'journal.checkpoints.one', many: 'journal.checkpoints.many' },
} as const;

/** A number with its noun; French has the singular up to 2, English for 1 alone. */
function counted({ say, lang }: CommandInput, noun: keyof typeof nouns, count: number): string {
  const one = lang === 'fr' ? count < 2 : count === 1;
  return say(nouns[noun][one ? 'one' : 'many'], { count });
}

/** Which record is the first bad one, and why. */
function explain({ file, line, seq, why, expected, found, checkpoint }: Problem, say: CommandInput['say']): string {
  const place = line === null ? file : `${file}:${line}`;
  const record = seq === null || line === null ? '' : ` ${say('journal.record', { seq })}`;
  const facts = { seq: seq ?? 0, expected: expected ?? '', found: found ?? '', checkpoint: checkpoint ?? 0 };
  if (why === 'cut' || why === 'stream-missing') {
    const by = checkpoint === undefined ? 'noted' : 'signed';
    return say('journal.problem', { place, why: say(`journal.why.${why}.${by}`, facts) });
  }
  const wanted = expected === undefined || why === 'not-expected' ? '' : ` ${say('journal.expected', { expected })}`;
  return say('journal.problem', { place: `${place}${record}`, why: `${say(`journal.why.${why}`, facts)}${wanted}` });
}

async function tail(input: CommandInput, dir: string): Promise<number> {
  const count = wholeNumber(input, 'journal', 'lines', { min: 1, max: 10_000 }) ?? 10;
  let last: JournalRecord[] = [];
  for await (const { record } of records(dir)) {
    last.push(record);
    if (last.length > count * 20) last = newest(last, count);
  }
  const shown = newest(last, count);
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/journal-records@1', records: shown })}\n`);
  else {
    const { named } = knownNames(input.data);
    for (const record of shown) input.stdout.write(`${named(summary(record))}\n`);
  }
  return 0;
}

function newest(records: readonly JournalRecord[], count: number): JournalRecord[] {
  return records.toSorted((a, b) => a.time - b.time || a.seq - b.seq).slice(-count);
}

/** When, where, what happened to whom; the event's own names, since they are what one searches for. */
function summary({ time, stream, seq, event }: JournalRecord): string {
  const { class_uid, api, actor, unmapped, status_code } = event as {
    class_uid?: number;
    api?: { operation?: string };
    actor?: { user?: { name?: string } };
    unmapped?: { phase?: string };
    status_code?: string;
  };
  const words = [class_uid, api?.operation, unmapped?.phase, actor?.user?.name, status_code];
  return `${new Date(time).toISOString()} ${stream}#${seq} ${words.filter((word) => word !== undefined).join(' ')}`;
}

async function exportAll(input: CommandInput, dir: string): Promise<number> {
  const { out, force } = input.options;
  if (!existsSync(dir)) throw new RempartError('ERR_JOURNAL_MISSING', { dir });
  if (typeof out === 'string') {
    const file = createWriteStream(out, { fd: openOutput(out, force === true) });
    try {
      await pipeline(Readable.from(linesFor(dir)), file, { signal: input.signal });
    } catch (error) {
      if (input.signal.aborted) return 130;
      throw unwritable(out, error);
    }
    return 0;
  }
  for await (const line of linesFor(dir)) {
    if (input.signal.aborted) return 130;
    if (!input.stdout.write(line)) await new Promise((resolve) => input.stdout.once('drain', resolve));
  }
  return 0;
}

async function* linesFor(dir: string): AsyncGenerator<string> {
  for await (const { text } of records(dir)) yield `${text}\n`;
}

/** Every readable record, stream by stream; throws ERR_JOURNAL_MISSING when there is no journal. */
export async function* records(dir: string): AsyncGenerator<{ record: JournalRecord; text: string }> {
  if (!existsSync(dir)) throw new RempartError('ERR_JOURNAL_MISSING', { dir });
  const streams = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of streams) {
    const segments = readdirSync(join(dir, name)).filter((file) => segmentPattern.test(file));
    for (const segment of segments.sort()) {
      for await (const line of linesOf(join(dir, name, segment))) {
        const read = readRecord(line.bytes);
        if (read.kind === 'record') yield { record: read.record, text: line.bytes.toString('utf8') };
      }
    }
  }
}
