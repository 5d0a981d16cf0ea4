// `rempart journal verify|tail|export`: the evidence log proved, shown, copied; an instance may run meanwhile.
import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { RempartError } from '../platform/base/errors.ts';
import { segmentPattern } from '../platform/journal/chain.ts';
import { linesOf } from '../platform/journal/lines.ts';
import { type JournalRecord, readRecord } from '../platform/journal/record.ts';
import { type Problem, type VerifyReport, verifyJournal } from '../platform/journal/verify.ts';
import { type Command, type CommandInput, usageError, wholeNumber } from './command.ts';

const actions = ['verify', 'tail', 'export'] as const;

export const journal: Command = {
  name: 'journal',
  summary: 'journal.summary',
  positionals: { name: actions.join('|') },
  options: {
    lines: { type: 'string', short: 'n', value: 'N', summary: 'journal.flag.lines' },
    out: { type: 'string', value: 'FILE', summary: 'journal.flag.out' },
  },
  async run(input) {
    const dir = join(input.data, 'journal');
    const action = actions.find((name) => name === input.args[0]);
    switch (action) {
      case 'verify':
        return verify(input, dir);
      case 'tail':
        return tail(input, dir);
      case 'export':
        return exportAll(input, dir);
      case undefined:
        throw usageError(input, 'journal', 'cli.usage.choice', {
          given: input.args[0] ?? '',
          known: actions.join(', '),
        });
    }
  },
};

async function verify({ json, say, stdout }: CommandInput, dir: string): Promise<number> {
  const report = await verifyJournal({ dir });
  if (json) stdout.write(`${JSON.stringify({ schema: 'rempart/journal-verification@1', ...report })}\n`);
  else stdout.write(`${describe(report, say).join('\n')}\n`);
  return report.ok ? 0 : 1;
}

function describe({ ok, streams, checkpoints }: VerifyReport, say: CommandInput['say']): string[] {
  const lines = streams.flatMap(({ stream, records, signedUpTo, problem, torn, outcomeUnknown }) => [
    problem === null
      ? say('journal.stream.ok', { stream, records, signed: signedUpTo })
      : `${say('journal.stream.bad', { stream, records })} ${explain(problem, say)}`,
    ...(torn === null ? [] : [`  ${say('journal.torn', { file: torn.file, line: torn.line })}`]),
    ...(outcomeUnknown.count === 0 ? [] : [`  ${say('journal.unknown', { count: outcomeUnknown.count })}`]),
  ]);
  const signed =
    checkpoints.problem === null
      ? say('journal.checkpoints.ok', { count: checkpoints.count })
      : `${say('journal.checkpoints.bad')} ${explain(checkpoints.problem, say)}`;
  return [...lines, signed, say(ok ? 'journal.intact' : 'journal.tampered')];
}

/** Which record is the first bad one, and why. */
function explain({ file, line, seq, why, expected }: Problem, say: CommandInput['say']): string {
  const place = line === null ? file : `${file}:${line}`;
  const record = seq === null ? '' : ` ${say('journal.record', { seq })}`;
  const wanted = expected === undefined ? '' : ` ${say('journal.expected', { expected })}`;
  return `${place}${record}: ${say(`journal.why.${why}`)}${wanted}`;
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
  else for (const record of shown) input.stdout.write(`${summary(record)}\n`);
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
  const out = input.options['out'];
  const file = typeof out === 'string' ? createWriteStream(out, { mode: 0o600 }) : undefined;
  const target: NodeJS.WritableStream = file ?? input.stdout;
  for await (const { text } of records(dir)) {
    if (input.signal.aborted) return 130;
    if (!target.write(`${text}\n`)) await new Promise((resolve) => target.once('drain', resolve));
  }
  if (file !== undefined) {
    file.end();
    await finished(file);
  }
  return 0;
}

/** Every readable record, stream by stream; throws ERR_JOURNAL_MISSING when there is no journal. */
async function* records(dir: string): AsyncGenerator<{ record: JournalRecord; text: string }> {
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
