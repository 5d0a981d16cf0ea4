// Cuts JSON over bytes: the elements of a top-level array, or values one after another, without building the whole.
// Keeps in step after damage: behind an element that is none, it looks for the next place where one can begin.

export type Split =
  /** One complete value, whose brackets and strings close, in memory of its own. Whether it is valid the parser says. */
  | { kind: 'value'; bytes: Uint8Array<ArrayBuffer> }
  /** A stretch that is no value; `head` is its beginning. */
  | { kind: 'damaged'; head: Uint8Array; length: number; why: Damage };
export type Damage = 'broken' | 'too-large' | 'cut-off';

export interface SplitOptions {
  /** `array`: from its `[` on; `values`: any number of values with white space between. */
  shape: 'array' | 'values';
  maxBytes: number;
  /** Whether a value found behind damage is an element of its own, and not a piece of the broken one. */
  isElement: (bytes: Uint8Array, damage: Uint8Array) => boolean;
}

export interface Splitter {
  push(chunk: Uint8Array): Split[];
  end(): Split[];
  /** The array has closed: what follows is not JSON of this list. */
  readonly closed: boolean;
}

/** By byte: 0 may stand in strings only; 1 white space, comma, colon, literals, digits; 2 opens; 3 closes; 4 quote. */
const classes = new Uint8Array(256);
for (const byte of Buffer.from(' \t\r\n,:truefalsnl0123456789+-.eE')) classes[byte] = 1;
for (const byte of Buffer.from('{[')) classes[byte] = 2;
for (const byte of Buffer.from('}]')) classes[byte] = 3;
classes[0x22] = 4;
const backslash = 0x5c;
const newline = 0x0a;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBracket = 0x5d;
/** So many bytes of a string are looked at one by one; what is longer is left to memchr. */
const shortString = 32;
const headBytes = 4_096;
/** A window that one great conversation has made larger than this shrinks again. */
const roomyBytes = 8 * 2 ** 20;
/** Kept while nothing is found behind damage, so that a place to begin is not cut in two. */
const lookBehind = 512;
/** How much is read again in vain behind damage, before the rest is given up: hostile input must not cost squares. */
const vainBytes = 256 * 2 ** 20;

export function createSplitter({ shape, maxBytes, isElement }: SplitOptions): Splitter {
  let window: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(2 ** 12);
  /** What is held lies between `from` and `end`; `at` is looked at next. */
  let from = 0;
  let at = 0;
  let end = 0;
  let state: 'start' | 'gap' | 'element' | 'searching' | 'closed' = shape === 'array' ? 'start' : 'gap';
  let depth = 0;
  /** Kinds of the open brackets, so that `{]` is seen. */
  let open = new Uint8Array(256);
  /** Where the string at hand began, or -1. */
  let stringFrom = -1;
  let damage: { head: Uint8Array; length: number; why: Damage } | null = null;
  let vain = 0;
  let out: Split[] = [];

  return {
    push(chunk) {
      hold(chunk);
      run(false);
      return taken();
    },
    end() {
      run(true);
      // An element that never closed may have swallowed others.
      if (state === 'element' && damage === null) {
        damaged('cut-off');
        run(true);
      }
      finish();
      return taken();
    },
    get closed() {
      return state === 'closed';
    },
  };

  function taken(): Split[] {
    const all = out;
    out = [];
    return all;
  }

  function hold(chunk: Uint8Array): void {
    if (end + chunk.length > window.length) {
      const needed = end - from + chunk.length;
      const fits = needed <= window.length / 2 && (window.length <= roomyBytes || needed > window.length / 8);
      const next = fits ? window : Buffer.allocUnsafeSlow(2 * needed);
      window.copy(next, 0, from, end);
      window = next;
      at -= from;
      if (stringFrom >= 0) stringFrom -= from;
      end -= from;
      from = 0;
    }
    window.set(chunk, end);
    end += chunk.length;
  }

  function run(last: boolean): void {
    for (;;) {
      if (state === 'closed') {
        from = at = end;
        return;
      }
      if (state === 'start' || state === 'gap') {
        if (!passGap()) return;
      } else if (state === 'searching') {
        if (!search(last)) return;
      } else if (!passElement(last)) return;
    }
  }

  /** Up to the next element; false when the window ends before one. */
  function passGap(): boolean {
    for (; at < end; at++) {
      const byte = window[at]!;
      if (byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === newline) continue;
      if (state === 'start' && byte === openBracket) {
        state = 'gap';
        continue;
      }
      if (byte === 0x2c) continue;
      if (shape === 'array' && byte === closeBracket) {
        state = 'closed';
        return true;
      }
      from = at;
      if (byte === openBrace || byte === openBracket) begin();
      else damaged('broken');
      return true;
    }
    from = at;
    return false;
  }

  function begin(): void {
    state = 'element';
    depth = 0;
    stringFrom = -1;
  }

  /** Goes on in an element; false when the window ends before the element does. */
  function passElement(last: boolean): boolean {
    const ended = scan();
    if (ended === 'broken') fail('broken');
    else if (at - from > maxBytes) fail('too-large');
    else if (ended === 'whole') give();
    else if (last && damage !== null) fail('broken');
    else return false;
    return true;
  }

  function give(): void {
    const bytes = new Uint8Array(window.subarray(from, at));
    if (damage !== null) {
      if (!isElement(bytes, damage.head)) {
        fail('broken');
        return;
      }
      out.push({ kind: 'damaged', ...damage });
      damage = null;
    }
    out.push({ kind: 'value', bytes });
    from = at;
    state = 'gap';
  }

  function fail(why: Damage): void {
    if (damage === null) {
      damaged(why);
      return;
    }
    // A trial behind damage: it is part of the damage, and the search goes on behind its first byte.
    vain += at - from;
    at = from + 1;
    state = 'searching';
  }

  function damaged(why: Damage): void {
    damage = { head: new Uint8Array(window.subarray(from, Math.min(end, from + headBytes))), length: 0, why };
    at = from + 1;
    state = 'searching';
  }

  /** Looks for a place where an element can begin; false when the window holds none. */
  function search(last: boolean): boolean {
    const found = vain > vainBytes ? -1 : nextBeginning();
    const keep = found >= 0 ? found : last ? end : Math.max(from, end - lookBehind);
    damage!.length += keep - from;
    from = keep;
    at = Math.max(at, keep);
    if (found < 0) {
      at = Math.max(at, end - lookBehind / 2);
      return false;
    }
    at = from;
    begin();
    return true;
  }

  /**
   * The next `},{"` (with white space in it), which cannot stand in a string, since its quote would be escaped; for
   * values one after another the next line that begins with a bracket.
   */
  function nextBeginning(): number {
    for (let i = window.indexOf(openBrace, at); i >= 0 && i < end; i = window.indexOf(openBrace, i + 1)) {
      let before = i - 1;
      while (before > from && isSpace(window[before]!) && window[before] !== newline) before--;
      if (shape === 'values') {
        if (window[before] === newline) return i;
        continue;
      }
      while (before > from && isSpace(window[before]!)) before--;
      if (window[before] !== 0x2c) continue;
      let after = i + 1;
      while (after < end && isSpace(window[after]!)) after++;
      if (after < end && window[after] === 0x22) return i;
    }
    return -1;
  }

  /** The hot loop: to the end of the element, of the window, or to a byte that cannot stand there. */
  function scan(): 'whole' | 'more' | 'broken' {
    const bytes = window;
    const stop = end;
    let i = at;
    for (;;) {
      if (stringFrom >= 0) {
        i = stringEnd(bytes, i, stop);
        if (i < 0) {
          at = stop;
          return 'more';
        }
        stringFrom = -1;
      }
      while (i < stop && classes[bytes[i]!] === 1) i++;
      if (i >= stop) {
        at = i;
        return 'more';
      }
      const byte = bytes[i++]!;
      const kind = classes[byte];
      if (kind === 4) stringFrom = i;
      else if (kind === 2) {
        if (depth === open.length) open = grown(open);
        open[depth++] = byte;
      } else if (kind === 3 && open[depth - 1] === byte - 2) {
        if (--depth === 0) {
          at = i;
          return 'whole';
        }
      } else {
        at = i;
        return 'broken';
      }
    }
  }

  /** Behind the closing quote of the string that began at `stringFrom`; -1 when the window ends before it. */
  function stringEnd(bytes: Buffer, start: number, stop: number): number {
    let i = start;
    for (;;) {
      const near = Math.min(stop, i + shortString);
      while (i < near && bytes[i] !== 0x22) i++;
      if (i >= near) {
        i = near < stop ? bytes.indexOf(0x22, i) : -1;
        if (i < 0 || i >= stop) return -1;
      }
      let slashes = 0;
      while (i - 1 - slashes >= stringFrom && bytes[i - 1 - slashes] === backslash) slashes++;
      i++;
      if (slashes % 2 === 0) return i;
    }
  }

  function finish(): void {
    if (state === 'searching' || damage !== null) {
      damage!.length += end - from;
      out.push({ kind: 'damaged', ...damage! });
    } else if (state === 'gap' && shape === 'array') {
      out.push({ kind: 'damaged', head: new Uint8Array(0), length: 0, why: 'cut-off' });
    }
    damage = null;
    state = 'closed';
    from = at = end;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === newline;
}

function grown(stack: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(stack.length * 2);
  next.set(stack);
  return next;
}
