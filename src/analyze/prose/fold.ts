// Text made plain for patterns: lower case, without accents, apostrophes as one, and every character at its place.
import { charCodeAt } from '../../platform/base/char-code-at.ts';

/** What a code unit becomes, one more than it, so that 0 is what is not known yet; halves of pairs stay as they are. */
const known = new Int32Array(2 ** 16);
const notAscii = /[^\0-\x7f]/;

/** As long as `text`, so that offsets hold in both. */
export function fold(text: string): string {
  // Plain ASCII, which most text is, is folded by the engine at once.
  if (!notAscii.test(text)) return text.toLowerCase();
  return inOneByte(text) ?? withoutAccents(lowerCase(text));
}

/** A capital may become two characters: then each is folded by itself. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** What a unit of text in any case becomes, one more than it. */
const knownOfAnyCase = new Int32Array(2 ** 16);
/** Becomes one of two small letters, by what stands around it. */
const sigma = 0x3a3;
let room = Buffer.allocUnsafeSlow(2 ** 16);

/** Unit by unit in a third of the time of the way round; null where what comes out needs more than a byte a character. */
function inOneByte(text: string): string | null {
  const { length } = text;
  if (room.length < length) room = Buffer.allocUnsafeSlow(length * 2);
  const bytes = room;
  for (let at = 0; at < length; at++) {
    const unit = charCodeAt(text, at);
    const plain = (knownOfAnyCase[unit]! || plainOfAnyCase(unit)) - 1;
    if (plain > 255) return null;
    bytes[at] = plain;
  }
  return bytes.toString('latin1', 0, length);
}

function plainOfAnyCase(unit: number): number {
  const lower = String.fromCharCode(unit).toLowerCase();
  const plain = unit === sigma ? unit : plainUnit(lower.length === 1 ? lower.charCodeAt(0) : unit);
  knownOfAnyCase[unit] = plain + 1;
  return plain + 1;
}

/** Unit by unit through the table, in half the time that replacing each accent takes. */
function withoutAccents(text: string): string {
  const { length } = text;
  const units = Buffer.allocUnsafe(length * 2);
  for (let at = 0; at < length; at++) {
    const unit = charCodeAt(text, at);
    const plain = unit < 128 ? unit : plainUnit(unit);
    units[2 * at] = plain & 255;
    units[2 * at + 1] = plain >> 8;
  }
  return units.toString('utf16le');
}

function plainUnit(unit: number): number {
  let plain = known[unit]! - 1;
  if (plain < 0) {
    plain = plainOf(String.fromCharCode(unit)).charCodeAt(0);
    known[unit] = plain + 1;
  }
  return plain;
}

function plainOf(character: string): string {
  if (character === '’' || character === 'ʼ') return "'";
  if (character === '\u00a0' || character === '\u202f') return ' ';
  if (/[‐‑–]/.test(character)) return '-';
  const plain = character.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.length === character.length ? plain : character;
}
