// Cuts one file into pieces that can be read by themselves: conversations of a list, a whole log, a page.
import { say } from '../../platform/i18n/say.ts';
import type { ReadItem } from '../conversation.ts';
import type { Place } from '../formats/draft.ts';
import { readEnvelope } from '../formats/embedded.ts';
import { recognise } from '../formats/recognise.ts';
import { isShape, text } from '../formats/shape.ts';
import { asUtf8, behindBlanks, type Chunks, kindOf, type Peeked, peek } from './byte-source.ts';
import { pageLists } from './page-lists.ts';
import type { Piece } from './piece.ts';
import type { ReadLimits, ReadOptions } from './read-options.ts';
import { createSplitter, type Split } from './split-json.ts';

export type Cut = { kind: 'piece'; piece: Piece } | { kind: 'item'; item: ReadItem };

export interface Cutting {
  limits: ReadLimits;
  lang: NonNullable<ReadOptions['lang']>;
  onBytes: (bytes: number) => void;
  /** By folder: the first conversations read there, so that a page that shows them again is known. */
  firsts: Map<string, { id: string; source: string }[]>;
  /** Archives in several files that were dealt with when the first of these came. */
  joined: Set<string>;
  /** What archives within archives have held so far, and of which files it was said that this is too much. */
  nested: { members: number; told: Set<string> };
}

export async function* cutFile(peeked: Peeked, place: Place, cutting: Cutting): AsyncGenerator<Cut> {
  const kind = kindOf(peeked.head);
  if (kind === 'empty') return yield* cutBehindBlanks(peeked, place, cutting);
  if (kind === 'binary') return yield notOne(place, say(cutting.lang, 'read.binary'));
  const { chunks, repairs } = asUtf8(peeked);
  if (kind === 'list') yield* cutJson(chunks, 'array', place, repairs, cutting);
  else if (kind === 'values') {
    const list = listWithin(peeked.head);
    if (list < 0) yield* cutJson(chunks, 'values', place, repairs, cutting);
    else yield* cutJson(behind(chunks, list), 'array', place, repairs, cutting);
  } else if (kind === 'page') yield* cutPage(chunks, place, repairs, cutting);
  else yield* cutWhole(chunks, 'text', place, repairs, cutting);
}

/** A file may begin with more blanks than a head holds; one of nothing else is read to its end, so that a bomb of them is met. */
async function* cutBehindBlanks(peeked: Peeked, place: Place, cutting: Cutting): AsyncGenerator<Cut> {
  if (peeked.head.length === 0) return yield notOne(place, say(cutting.lang, 'read.empty'));
  const rest = await peek(behindBlanks(asUtf8(peeked).chunks));
  if (rest.head.length > 0) yield* cutFile(rest, place, cutting);
  else yield notOne(place, say(cutting.lang, 'read.blank'));
}

/** An object of a few plain values that holds a list of conversations: the list is cut like one that stands alone. */
const envelope =
  /^\s*\{(?:\s*"[^"\\]{1,60}"\s*:\s*(?:"[^"\\]{0,200}"|[-+.\deE]{1,30}|true|false|null)\s*,){0,20}\s*"conversations"\s*:\s*(?=\[\s*\{)/;

/** Where the list begins, in bytes of the text without its mark; -1 when the head shows none. */
function listWithin(head: Buffer): number {
  const mark = head[0] === 0xef ? 3 : 0;
  const found = envelope.exec(head.subarray(mark).toString('latin1'));
  return found === null || !holdsMessages.test(head.subarray(mark + found[0].length).toString('latin1'))
    ? -1
    : found[0].length;
}

async function* behind(chunks: Chunks, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of chunks) {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
}

export function notOne(place: Place, why: string): Cut {
  return { kind: 'item', item: { kind: 'not-a-conversation', source: place.source, why } };
}

const holdsMessages = /"(?:mapping|chat_messages|messages|conversations|chunkedPrompt|responses|turns)"\s*:/;
type Layout = 'undecided' | 'conversations' | 'entries';
/** So many values may be of an unknown shape before a file is left. */
const tries = 40;

async function* cutJson(
  chunks: Chunks,
  form: 'array' | 'values',
  place: Place,
  repairs: string[],
  cutting: Cutting,
): AsyncGenerator<Cut> {
  const file = fileCutter(place, form, repairs, cutting);
  const splitter = createSplitter({
    shape: form,
    maxBytes: cutting.limits.conversationBytes,
    isElement: file.isElement,
  });
  for await (const chunk of chunks) {
    file.look(chunk);
    yield* file.take(splitter.push(chunk));
    if (file.hopeless() || splitter.closed) break;
  }
  yield* file.take(splitter.end());
  yield* file.end();
}

function parsedBytes(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as unknown;
  } catch {
    return undefined;
  }
}

/** A key with its colon; within a text the quote behind the bracket would be escaped. */
const keyed = /\{\s{0,99}"[^"]{0,200}"\s{0,99}:/;

/** What no conversation begins is no damage where the list as a whole is valid. */
function isPlainList({ head, length }: Split & { kind: 'damaged' }): boolean {
  return length <= head.length && parsedBytes(Buffer.concat([Buffer.from('['), head])) !== undefined;
}

/** Decides by the first value that is understood what the file is, and cuts accordingly. */
function fileCutter(place: Place, form: 'array' | 'values', repairs: string[], cutting: Cutting) {
  let layout: Layout = 'undecided';
  const waiting: Split[] = [];
  let position = 0;
  let entries: Uint8Array<ArrayBuffer>[] = [];
  let entryBytes = 0;
  let lost = 0;
  let holdsObject = false;
  let enveloped = false;
  let lastSeen = '';
  return { look, take, end, isElement, hopeless: () => layout === 'undecided' && waiting.length > tries };

  function look(chunk: Uint8Array): void {
    if (holdsObject) return;
    const seen = lastSeen + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    holdsObject = keyed.test(seen);
    lastSeen = seen.slice(-500);
  }

  function* take(splits: readonly Split[]): Generator<Cut> {
    for (const split of splits) {
      if (layout !== 'undecided') {
        yield* cut(split);
        continue;
      }
      waiting.push(split);
      decide(split);
      if ((layout as Layout) === 'undecided') continue;
      for (const held of waiting.splice(0)) yield* cut(held);
    }
  }

  /** Of a list, each element may wrap its conversation, as some exporters do; the first one decides. */
  function kindOfElement(value: unknown): ReturnType<typeof recognise> {
    const found = recognise(value);
    if (found !== null || form !== 'array' || !isShape(value)) return found;
    if (layout !== 'undecided' && !enveloped) return null;
    return readEnvelope(value, place).length > 0 ? 'conversation' : null;
  }

  /** Behind damage: a message within a broken conversation is no element of the list. */
  function isElement(bytes: Uint8Array, damage: Uint8Array): boolean {
    const found = kindOfElement(parsedBytes(bytes));
    if (form === 'values' || found !== 'entry') return found !== null;
    return layout === 'entries' || (layout === 'undecided' && !holdsMessages.test(Buffer.from(damage).toString()));
  }

  function decide(split: Split): void {
    const value = split.kind === 'value' ? parsedBytes(split.bytes) : undefined;
    const found = kindOfElement(value);
    if (found === null) return;
    enveloped = recognise(value) === null;
    layout = found === 'entry' ? 'entries' : 'conversations';
    if (isShape(value)) note(value);
  }

  function note(value: { readonly [key: string]: unknown }): void {
    const folder = place.source.replace(/[^/!]*$/, '');
    const id = text(value['conversation_id'] ?? value['id'] ?? value['uuid']);
    if (id !== '') cutting.firsts.set(folder, [...(cutting.firsts.get(folder) ?? []), { id, source: place.source }]);
  }

  function* cut(split: Split): Generator<Cut> {
    if (layout === 'conversations') {
      yield split.kind === 'value' ? piece('value', [split.bytes]) : broken(split, place, position, cutting);
      position++;
    } else if (split.kind === 'damaged') {
      lost++;
    } else {
      if (entryBytes + split.bytes.length > cutting.limits.fileBytes && entries.length > 0) yield flush();
      entries.push(split.bytes);
      entryBytes += split.bytes.length;
    }
  }

  function flush(): Cut {
    const whole = piece('entries', entries);
    entries = [];
    entryBytes = 0;
    lost = 0;
    position++;
    return whole;
  }

  function* end(): Generator<Cut> {
    if (layout === 'entries') return yield flush();
    if (layout === 'conversations') return;
    const values = waiting.filter((split) => split.kind === 'value');
    const damages = waiting.filter((split) => split.kind === 'damaged');
    const [only] = values;
    // One value of an unknown shape may be an envelope; a list that was never understood holds no conversation.
    if (values.length === 1 && only !== undefined && form === 'values' && damages.length === 0)
      return yield { ...piece('value', [only.bytes], false) };
    // Texts and numbers alone are no conversation that could be damaged.
    const plain =
      damages.every(isPlainList) || (!holdsObject && damages.every(({ head }) => head.length > 0 && head[0] !== 0x7b));
    if (values.length > 0 || plain || waiting.length > tries)
      return yield notOne(place, say(cutting.lang, 'read.noConversation'));
    for (const damage of damages) yield broken(damage, place, position++, cutting);
  }

  function piece(layoutOf: Piece['layout'], texts: Uint8Array<ArrayBuffer>[], among = layout === 'conversations'): Cut {
    return {
      kind: 'piece',
      piece: { place, layout: layoutOf, texts, position, amongConversations: among, repairs, lost },
    };
  }
}

function broken(split: Split & { kind: 'damaged' }, place: Place, position: number, cutting: Cutting): Cut {
  const code =
    split.why === 'too-large'
      ? 'ERR_EXPORT_TOO_LARGE'
      : split.why === 'cut-off'
        ? 'ERR_EXPORT_CUT_OFF'
        : 'ERR_EXPORT_CORRUPT';
  const megabytes = Math.floor(cutting.limits.conversationBytes / 2 ** 20);
  const head = Buffer.from(split.head).toString();
  return {
    kind: 'item',
    item: {
      kind: 'broken',
      source: place.source,
      id: nameIn(head, /"(?:conversation_id|uuid|id)"\s*:\s*("(?:[^"\\]|\\.){1,100}")/) ?? `damaged-${position + 1}`,
      title: nameIn(head, /^\s*\{[\s\S]{0,600}?"(?:title|name)"\s*:\s*("(?:[^"\\]|\\.){1,300}")/),
      format: /"mapping"|"current_node"/.test(head) ? 'chatgpt' : /"chat_messages"/.test(head) ? 'claude' : 'unknown',
      code,
      why: say(cutting.lang, code, { megabytes }),
    },
  };
}

function nameIn(head: string, pattern: RegExp): string | null {
  const value = pattern.exec(head)?.[1];
  if (value === undefined) return null;
  try {
    return String(JSON.parse(value));
  } catch {
    return null;
  }
}

/** A page: the list that its script holds, cut like a file of its own; else the page as a whole. */
async function* cutPage(chunks: Chunks, place: Place, repairs: string[], cutting: Cutting): AsyncGenerator<Cut> {
  const page = pageLists(chunks, cutting.limits.fileBytes);
  const found = await page.next();
  if (found.done === true) return;
  if (found.value.kind === 'whole') {
    return yield {
      kind: 'piece',
      piece: {
        place,
        layout: 'page',
        texts: [found.value.bytes],
        position: 0,
        amongConversations: false,
        repairs,
        lost: 0,
      },
    };
  }
  if (found.value.kind === 'too-large') return yield notOne(place, say(cutting.lang, 'read.noConversation'));
  const folder = place.source.replace(/[^/!]*$/, '');
  const known = cutting.firsts.get(folder) ?? [];
  let first = true;
  for await (const cut of cutJson(found.value.chunks, 'array', place, repairs, { ...cutting, firsts: new Map() })) {
    if (first && cut.kind === 'piece') {
      const value = parsedBytes(cut.piece.texts[0]!);
      const id = isShape(value) ? text(value['conversation_id'] ?? value['id']) : '';
      const same = known.find((other) => other.id === id);
      if (same !== undefined) return yield notOne(place, say(cutting.lang, 'read.rendering', { other: same.source }));
      first = false;
    }
    yield cut;
  }
}

async function* cutWhole(
  chunks: Chunks,
  layout: 'text',
  place: Place,
  repairs: string[],
  cutting: Cutting,
): AsyncGenerator<Cut> {
  const held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    size += chunk.length;
    if (size > cutting.limits.fileBytes) return yield notOne(place, say(cutting.lang, 'read.notJson'));
  }
  const bytes = new Uint8Array(Buffer.concat(held));
  yield {
    kind: 'piece',
    piece: { place, layout, texts: [bytes], position: 0, amongConversations: false, repairs, lost: 0 },
  };
}
