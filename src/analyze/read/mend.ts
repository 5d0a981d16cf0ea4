// Mends what exports and the tools they passed through have damaged in texts, and says so.
import { isUtf8 } from 'node:buffer';
import type { Conversation, Part } from '../conversation.ts';

/** Bytes as text: UTF-8, else Windows-1252 when nothing in it is UTF-8. */
export function decodeText(bytes: Uint8Array, repairs: Set<string>): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(buffer)) return buffer.toString();
  const lenient = new TextDecoder('utf-8').decode(buffer);
  if (/[\u0080-\uFFFC]/.test(lenient)) {
    repairs.add('invalid-utf-8');
    return lenient;
  }
  repairs.add('windows-1252');
  return new TextDecoder('windows-1252').decode(buffer);
}

/** Lone surrogates become U+FFFD; text that was decoded twice is decoded once. */
export function mend(conversation: Conversation, repaired: ReadonlySet<string>): Conversation {
  const repairs = new Set([...conversation.repairs, ...repaired]);
  const texts = textsOf(conversation);
  const lone = texts.some((text) => !text.isWellFormed());
  const twice = isMojibake(texts);
  if (lone) repairs.add('lone-surrogate');
  if (twice) repairs.add('mojibake');
  const fix = (text: string) => {
    const whole = lone ? text.toWellFormed() : text;
    return twice ? decodedOnce(whole) : whole;
  };
  if (lone || twice) {
    if (conversation.title !== null) conversation.title = fix(conversation.title);
    conversation.id = conversation.id.toWellFormed();
    for (const message of conversation.messages) message.parts = message.parts.map((part) => fixed(part, fix));
  }
  conversation.repairs = [...repairs].sort();
  return conversation;
}

function fixed(part: Part, fix: (text: string) => string): Part {
  if (part.kind === 'attachment')
    return { ...part, name: fix(part.name), text: part.text === null ? null : fix(part.text) };
  if (part.kind === 'code')
    return { ...part, text: fix(part.text), ...(part.file === undefined ? {} : { file: fix(part.file) }) };
  return { ...part, text: fix(part.text) };
}

function textsOf({ title, messages }: Conversation): string[] {
  const said = messages.flatMap(({ parts }) =>
    parts.flatMap((part) => [
      ...(part.text === null ? [] : [part.text]),
      ...(part.kind === 'attachment' ? [part.name] : []),
      ...(part.kind === 'code' && part.file !== undefined ? [part.file] : []),
    ]),
  );
  return title === null ? said : [title, ...said];
}

/** UTF-8 read as Windows-1252: `Ã©`, `â€™`, `ðŸ˜€`. */
const suspicious = /[\u00C2-\u00F4][\u0080-\u00BF\u0152-\u2122]/;
const beyondAscii = /[^\x00-\x7F]+/g;
/** How many such runs make an accident of the whole text; one may be somebody talking of it. */
const leastRuns = 2;

/** Only when all of it is: a text with accents of its own that quotes such signs speaks of them. */
function isMojibake(texts: readonly string[]): boolean {
  if (!texts.some((text) => suspicious.test(text))) return false;
  let runs = 0;
  for (const text of texts) {
    for (const [run] of text.matchAll(beyondAscii)) {
      if (decodedRun(run) === null) return false;
      runs++;
    }
  }
  return runs >= leastRuns;
}

function decodedOnce(text: string): string {
  return text.replace(beyondAscii, (run) => decodedRun(run) ?? run);
}

const windows1252 = new Map(
  Array.from(
    { length: 128 },
    (_, i) => [new TextDecoder('windows-1252').decode(Uint8Array.of(i + 128)), i + 128] as const,
  ),
);

function decodedRun(run: string): string | null {
  const bytes: number[] = [];
  for (const sign of run) {
    const byte = windows1252.get(sign) ?? (sign.codePointAt(0)! < 256 ? sign.codePointAt(0) : undefined);
    if (byte === undefined) return null;
    bytes.push(byte);
  }
  const buffer = Buffer.from(bytes);
  return isUtf8(buffer) ? buffer.toString() : null;
}
