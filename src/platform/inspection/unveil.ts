// A text as a program or a reader takes it: escapes read, characters that show nothing left out; with the way back to the places in the text as given.

export interface Unveiled {
  text: string;
  /** The place in the text as given of what stands at `at`; of its length, the end. */
  startOf(at: number): number;
  /** Where what stands before `at` ends in the text as given. */
  endOf(at: number): number;
}

/** Unicode escapes of JSON and JavaScript (however often their sign was escaped), an escaped slash, HTML's numbers, what cannot be seen. */
const veil =
  /(?<!\\)\\+(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|(\/))|&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));?|\p{Default_Ignorable_Code_Point}+/gu;
const mayBeVeiled = /\\[\\u/x]|&#|\p{Default_Ignorable_Code_Point}/u;

/** Undefined for a text in which nothing is veiled: nearly every one. */
export function unveil(given: string): Unveiled | undefined {
  if (!mayBeVeiled.test(given)) return undefined;
  const starts: number[] = [];
  const ends: number[] = [];
  let text = '';
  let from = 0;
  const keep = (until: number) => {
    for (let at = from; at < until; at++) {
      starts.push(at);
      ends.push(at + 1);
    }
    text += given.slice(from, until);
  };
  for (const found of given.matchAll(veil)) {
    const [whole, four, braced, two, slash, hex, decimal] = found;
    keep(found.index);
    from = found.index + whole.length;
    const sign = slash ?? letterOf(four ?? braced ?? two ?? hex, decimal);
    for (let unit = 0; unit < sign.length; unit++) {
      starts.push(found.index);
      ends.push(from);
    }
    text += sign;
  }
  if (from === 0) return undefined;
  keep(given.length);
  return {
    text,
    startOf: (at) => starts[at] ?? given.length,
    endOf: (at) => ends[at - 1] ?? 0,
  };
}

/** '' for what shows nothing. */
function letterOf(hex: string | undefined, decimal: string | undefined): string {
  if (hex === undefined && decimal === undefined) return '';
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  if (code > 0x10ffff) return '';
  const letter = String.fromCodePoint(code);
  return /\p{Default_Ignorable_Code_Point}/u.test(letter) ? '' : letter;
}

/** Whether the UTF-16 unit there is a character that shows nothing, or a part of one. */
export function isUnseen(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0x80) return false;
  // Beyond the first plane all that shows nothing begins with one unit (tags, further variation selectors).
  if (code >= 0xdc00 && code <= 0xdfff) return text.charCodeAt(at - 1) === 0xdb40;
  return code === 0xdb40 || /\p{Default_Ignorable_Code_Point}/u.test(text[at]!);
}
