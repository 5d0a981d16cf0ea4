// Reads the first JSON value of a text as Go's encoding/json does, errors in its words: clients compare them.
import { badBody } from './refusal.ts';

export type GoValue =
  | { kind: 'null' }
  | { kind: 'bool'; value: boolean }
  | { kind: 'number'; literal: string }
  | { kind: 'string'; value: string }
  | { kind: 'array'; items: GoValue[] }
  | { kind: 'object'; members: [name: string, value: GoValue][] };

const maxDepth = 10_000;

/** The first value; what follows it is ignored. Throws a Refusal with Go's sentence. */
export function readGoJson(text: string): GoValue {
  let at = 0;
  let depth = 0;

  const fail = (what: string): never => {
    throw badBody(what);
  };
  const unexpected = (context: string): never =>
    at >= text.length ? fail('unexpected EOF') : fail(`invalid character ${quoteChar(charAt())} ${context}`);
  const charAt = () => String.fromCodePoint(text.codePointAt(at) ?? 0);
  const skipSpace = () => {
    while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  };

  function value(): GoValue {
    skipSpace();
    switch (text[at]) {
      case '{':
        return nested(object);
      case '[':
        return nested(array);
      case '"':
        return { kind: 'string', value: string() };
      case 't':
        return literal('true', { kind: 'bool', value: true });
      case 'f':
        return literal('false', { kind: 'bool', value: false });
      case 'n':
        return literal('null', { kind: 'null' });
      default:
        return /[-0-9]/.test(text[at] ?? '') ? number() : unexpected('looking for beginning of value');
    }
  }

  function nested(read: () => GoValue): GoValue {
    if (++depth > maxDepth) fail('exceeded max depth');
    at++;
    const found = read();
    depth--;
    return found;
  }

  function literal(word: string, found: GoValue): GoValue {
    for (let i = 1; i < word.length; i++) {
      at++;
      if (text[at] !== word[i]) unexpected(`in literal ${word} (expecting '${word[i]}')`);
    }
    at++;
    return found;
  }

  function number(): GoValue {
    const start = at;
    const digits = (context: string) => {
      if (!isDigit(text[at])) unexpected(context);
      while (isDigit(text[at])) at++;
    };
    if (text[at] === '-') at++;
    if (text[at] === '0') at++;
    else digits('in numeric literal');
    if (text[at] === '.') {
      at++;
      digits('after decimal point in numeric literal');
    }
    if (text[at] === 'e' || text[at] === 'E') {
      at++;
      if (text[at] === '+' || text[at] === '-') at++;
      digits('in exponent of numeric literal');
    }
    return { kind: 'number', literal: text.slice(start, at) };
  }

  function string(): string {
    const start = at++;
    for (; text[at] !== '"'; at++) {
      if (at >= text.length || text.charCodeAt(at) < 0x20) unexpected('in string literal');
      if (text[at] !== '\\') continue;
      at++;
      if (text[at] === 'u') {
        for (let i = 0; i < 4; i++) {
          at++;
          if (!/[0-9a-fA-F]/.test(text[at] ?? '')) unexpected('in \\u hexadecimal character escape');
        }
      } else if (at >= text.length || !'"\\/bfnrt'.includes(text[at]!)) unexpected('in string escape code');
    }
    at++;
    return (JSON.parse(text.slice(start, at)) as string).toWellFormed();
  }

  function array(): GoValue {
    const items: GoValue[] = [];
    skipSpace();
    if (text[at] === ']') {
      at++;
      return { kind: 'array', items };
    }
    for (;;) {
      items.push(value());
      skipSpace();
      if (text[at] !== ',' && text[at] !== ']') unexpected('after array element');
      if (text[at++] === ']') return { kind: 'array', items };
    }
  }

  function object(): GoValue {
    const members: [string, GoValue][] = [];
    skipSpace();
    if (text[at] === '}') {
      at++;
      return { kind: 'object', members };
    }
    for (;;) {
      skipSpace();
      if (text[at] !== '"') unexpected('looking for beginning of object key string');
      const name = string();
      skipSpace();
      if (text[at] !== ':') unexpected('after object key');
      at++;
      members.push([name, value()]);
      skipSpace();
      if (text[at] !== ',' && text[at] !== '}') unexpected('after object key:value pair');
      if (text[at++] === '}') return { kind: 'object', members };
    }
  }

  skipSpace();
  if (at >= text.length) fail('EOF');
  return value();
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}

function quoteChar(char: string): string {
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  const quoted = JSON.stringify(char).slice(1, -1);
  return `'${quoted}'`;
}

/** What Go calls a value in its complaints. */
export function goKind(value: GoValue): string {
  return value.kind === 'number' ? `number ${value.literal}` : value.kind;
}

/** As encoding/json writes it: without spaces, and safe inside HTML. */
export function writeGoJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
