// What in a line of a log shows that somebody wrote it who should not: escapes that hide, letters that turn round, an entry within an entry.
import { linearRegex } from './linear-regex.ts';

export type InjectionSign =
  | 'terminal'
  | 'bidi'
  | 'carriage-return'
  | 'encoded-entry'
  | 'escaped-entry'
  | 'time-back'
  | 'time-ahead'
  | 'foreign-format';

/** From three on within the window it is one; colours of an ordinary terminal are no sign at all. */
export const weights: Readonly<Record<InjectionSign, number>> = {
  terminal: 3,
  bidi: 3,
  'carriage-return': 3,
  'encoded-entry': 3,
  'escaped-entry': 1,
  'time-back': 1.5,
  'time-ahead': 1.5,
  'foreign-format': 1,
};

const stamp =
  '\\d{4}-\\d{2}-\\d{2}[T ]\\d{2}:\\d{2}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) [ \\d]\\d \\d{2}:\\d{2}:\\d{2}';
const level = '\\[?(?:trace|debug|info|notice|warn(?:ing)?|error|crit(?:ical)?|fatal|security)\\]?[ :|]';
const head = `(?:\\[?(?:${stamp})|${level}|\\{"(?:level|time|timestamp|ts|msg)":)`;

/** Titles, links and strings for the terminal, and movements that write over what stands there. */
const takesOver = linearRegex(
  '\\x1b[\\]PX^_]|\\x9d|\\x1b\\[\\d{0,3}[AF]|\\x1b\\[[23]?J|\\x1b\\[\\d{0,3};?\\d{0,3}H|\\x1bc',
);
/** Only behind a column that somebody moved back to: progress bars erase whole lines at their begin. */
const returnsTo = linearRegex(`\\r+(?:\\x1b\\[[\\d;]{0,8}[A-Za-z])?${head}`, { ignoreCase: true });
const encoded = linearRegex(`(?:%0d|%0a|%250a|%250d|%e5%98%8a|&#(?:x0?a|10|13|x0?d);)+[^\\w[{]{0,3}${head}`, {
  ignoreCase: true,
});
/** In an address, blanks are encoded as well. */
const encodedPlus = linearRegex(
  '(?:%0d|%0a)+(?:%5b|\\[)?(?:\\d{4}-\\d{2}-\\d{2}|(?:info|warn(?:ing)?|error|critical|notice)(?:%5d|\\]|%20|\\+|:))',
  { ignoreCase: true },
);
const escaped = linearRegex(`(?:\\\\r|\\\\n|\\\\u000[ad]|\\\\x0[ad])+[^\\w[{]{0,2}${head}`, { ignoreCase: true });

const overrides = /[\u202d\u202e]/;
const opens = /[\u2066-\u2068\u202a\u202b]/;

/** What one line shows by itself; nothing of what it remembers is needed. */
export function signsIn(line: string): InjectionSign[] {
  const signs: InjectionSign[] = [];
  if (/[\x1b\x9d]/.test(line) && takesOver(line)) signs.push('terminal');
  if (overrides.test(line) || (opens.test(line) && !isBalanced(line))) signs.push('bidi');
  if (line.includes('\r') && returnsTo(line)) signs.push('carriage-return');
  if (line.includes('%') || line.includes('&#')) if (encoded(line) || encodedPlus(line)) signs.push('encoded-entry');
  // In JSON an escaped line feed is how an honest logger writes one.
  if (line.includes('\\') && !line.startsWith('{') && escaped(line)) signs.push('escaped-entry');
  return signs;
}

/** Right-to-left text of an honest writer closes what it opens. */
function isBalanced(line: string): boolean {
  let isolates = 0;
  let embeddings = 0;
  for (const letter of line) {
    const code = letter.codePointAt(0)!;
    if (code >= 0x2066 && code <= 0x2068) isolates++;
    else if (code === 0x2069) isolates--;
    else if (code === 0x202a || code === 0x202b) embeddings++;
    else if (code === 0x202c) embeddings--;
    if (isolates < 0 || embeddings < 0) return false;
  }
  return isolates === 0 && embeddings === 0;
}

/** What a file's lines usually look like, learned from them: their format and that their times go on. */
export interface Habits {
  /** What a line shows against what came before it. */
  add(line: string, now: number): InjectionSign[];
}

const learnLines = 200;
/** What so small a share of lines does is no habit. */
const rareShare = 0.01;
const backMs = 120_000;
const aheadMs = 86_400_000;
const mostShapes = 200;

export function createHabits(): Habits {
  const shapes = new Map<string, number>();
  let lines = 0;
  let newest = Number.NEGATIVE_INFINITY;
  let backRun = 0;
  let oddTimes = 0;

  function formatSign(line: string): InjectionSign[] {
    const shape = shapeOf(line);
    // A line without a head of its own is the rest of the entry before.
    if (shape === undefined) return [];
    const seen = shapes.get(shape) ?? 0;
    if (seen > 0 || shapes.size < mostShapes) shapes.set(shape, seen + 1);
    return seen === 0 && lines > learnLines && shapes.size < 20 ? ['foreign-format'] : [];
  }

  function timeSign(line: string, now: number): InjectionSign[] {
    const time = timeOf(line);
    if (time === undefined) return [];
    if (time > now + aheadMs) return odd('time-ahead');
    if (time >= newest - backMs) {
      newest = Math.max(newest, time);
      backRun = 0;
      return [];
    }
    backRun++;
    // Many in a row: the clock was set back, or summer time is over.
    if (backRun > 5) {
      newest = time;
      backRun = 0;
      return [];
    }
    return odd('time-back');
  }

  /** A file whose times jump by nature tells nothing by it. */
  function odd(sign: InjectionSign): InjectionSign[] {
    oddTimes++;
    return lines > learnLines && oddTimes <= Math.max(10, lines * rareShare) ? [sign] : [];
  }

  return {
    add(line, now) {
      lines++;
      return [...formatSign(line), ...timeSign(line, now)];
    },
  };
}

/** How an entry begins, its digits and words made alike; undefined for what does not begin like an entry. */
export function shapeOf(line: string): string | undefined {
  if (/^\{"[\w.@-]{1,40}":/.test(line)) return 'json';
  const begin = line.slice(0, 80);
  const timed =
    /^[[<(]?\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}/.test(begin) ||
    /^(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} /.test(begin) ||
    /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3} /.test(begin);
  const levelled = /^\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRIT(?:ICAL)?|FATAL|SECURITY)\]?[ :]/.test(begin);
  if (!timed && !levelled) return undefined;
  return begin
    .slice(0, timed ? 30 : 10)
    .replace(/\b(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRIT(?:ICAL)?|FATAL|SECURITY)\b.*$/, 'L')
    .replace(/(\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?).*$/, '$1')
    .replace(/[.,]\d+/, '.0')
    .replace(/[+-]\d{2}:?\d{2}$/, 'Z')
    .replace(/^\d{1,3}(?:\.\d{1,3}){3} .*$/, 'A')
    .replace(/[A-Za-z]+/g, 'a')
    .replace(/\d+/g, '0');
}

/** The time at the begin of an entry, in milliseconds; a time without a zone is taken for UTC, which only shifts all of them. */
export function timeOf(line: string): number | undefined {
  const found =
    /^(?:\{"(?:time|timestamp|ts|@timestamp)":")?[[<(]?(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})([.,]\d{1,9})?(Z|[+-]\d{2}:?\d{2})?/.exec(
      line.slice(0, 80),
    );
  if (found === null) return undefined;
  const [, date, time, part = '', zone = 'Z'] = found;
  const parsed = Date.parse(`${date}T${time}${part.replace(',', '.').slice(0, 4)}${zone}`);
  return Number.isNaN(parsed) ? undefined : parsed;
}
