// What a reply tells a user: its prose without the fields that are for programs, and without what stands under every ordinary answer too.
import { framesWith, parseJsonObject } from '../targets/json-text.ts';
import { admitsLimit, memberAdmits, sentencesOf } from './admission.ts';

export interface Reply {
  body: string;
  answer: string | null;
  conversation: string;
}

interface Said {
  /** Names of the members on the way to it; empty for a body that is no JSON. */
  name: string;
  value: unknown;
}

/** What the answers of ordinary days said as well: sentences, and members as name=value. It tells nothing of a failure. */
export type Usual = ReadonlySet<string>;
export const nothingUsual: Usual = new Set();

export function usualOf(replies: readonly Reply[]): Usual {
  const usual = new Set<string>();
  for (const reply of replies) {
    for (const one of saidIn(reply)) {
      usual.add(memberKey(one));
      if (typeof one.value === 'string') for (const sentence of sentencesOf(one.value)) usual.add(sentence);
    }
  }
  return usual;
}

/** Whether a reply says anywhere, openly, that it is no ordinary answer. */
export function admits(reply: Reply, usual: Usual): boolean {
  const parts = saidIn(reply);
  return (
    parts.some((one) => !usual.has(memberKey(one)) && memberAdmits(one.name, one.value)) ||
    parts.some(({ value }) => typeof value === 'string' && admitsLimit(unusual(value, usual))) ||
    (reply.answer !== null && admitsLimit(unusual(reply.answer, usual)))
  );
}

/** Fields for programs: a word in one of them is not said to a user. */
const forPrograms =
  /^(code|type|status|state|kind|id|param|reason|level|mode|source|object|model|role|finish_reason|(request|trace|conversation|session|message)_?id|timestamp|time|date|created(_?at)?|lang(uage)?|locale)$/i;

export interface Told {
  /** All that the reply tells. */
  all: string[];
  /** What of it stands beside the answer's own text. */
  aside: string[];
  /** Whether that says that something is not as usual. */
  asideAdmits: boolean;
}

export function toldIn(reply: Reply, usual: Usual): Told {
  const parts = saidIn(reply).filter(({ value }) => value !== reply.answer || value === reply.body);
  const beside = parts.filter(({ value }) => value !== reply.conversation && value !== reply.body);
  const prose = beside.flatMap(({ name, value }) => {
    if (typeof value !== 'string' || (forPrograms.test(name) && !/\s/.test(value.trim()))) return [];
    const rest = unusual(value, usual);
    return rest === '' ? [] : [rest];
  });
  const asideAdmits =
    beside.some((one) => !usual.has(memberKey(one)) && memberAdmits(one.name, one.value)) || prose.some(admitsLimit);
  const isText = parts.some(({ value }) => value === reply.body);
  const own = reply.answer === reply.body && !isText ? '' : unusual(reply.answer ?? (isText ? reply.body : ''), usual);
  return { all: own === '' ? prose : [own, ...prose], aside: prose, asideAdmits };
}

function unusual(text: string, usual: Usual): string {
  if (usual.size === 0) return text;
  const sentences = sentencesOf(text);
  const rest = sentences.filter((sentence) => !usual.has(sentence));
  return rest.length === sentences.length ? text : rest.join('\n');
}

function memberKey({ name, value }: Said): string {
  return typeof value === 'string' ? `${name}="${value}"` : `${name}:${Boolean(value)}`;
}

/** The members of a JSON body; of a stream, those of frames that are no piece of the answer; else the text itself. */
function saidIn({ body, answer }: Reply): Said[] {
  const json = parseJsonObject(body);
  if (json !== null) return membersOf('', json);
  const frames = framesWith(body, /"(notice|degraded|error|errors|warning|fallback|cached|partial|message)"\s*:/);
  const events = body.split(/\r?\n/).filter((line) => /^event:\s*(error|notice|warning)/.test(line));
  const told = [
    ...frames.flatMap((frame) => membersOf('', parseJsonObject(frame)).filter(({ name }) => !inPieces(name))),
    ...events.map((line) => ({ name: line.replace(/^event:\s*/, ''), value: true })),
  ];
  const isStream = answer !== null && answer !== body;
  return isStream || told.length > 0 || body.trim() === '' ? told : [{ name: '', value: body }];
}

/** The members that carry a streamed answer piece by piece, in the dialects that are read. */
function inPieces(name: string): boolean {
  return name === 'content' || name === 'response' || name === 'role';
}

function membersOf(name: string, value: unknown): Said[] {
  if (Array.isArray(value)) return value.flatMap((entry) => membersOf(name, entry));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, entry]) => [
      ...(typeof entry === 'object' && entry !== null ? [{ name: key, value: Object.keys(entry).length > 0 }] : []),
      ...membersOf(key, entry),
    ]);
  }
  return [{ name, value }];
}
