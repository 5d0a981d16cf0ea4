// Parameters whose declared type no text can ride on: numbers, truths, dates, ids, one of some words written in the code.
import type { Reading, Span } from './reading.ts';
import type { Token } from './tokens.ts';

const plain =
  /^(?:u?int(?:8|16|32|64)?|Integer|long|Long|short|Short|byte|Byte|double|Double|float(?:32|64)?|Float|bool|boolean|Boolean|decimal|Decimal|uint|ulong|ushort|sbyte|number|bigint|BigInteger|BigDecimal|UUID|Guid|Date|LocalDate|LocalDateTime|Instant|DateTime|DateOnly|DateTimeOffset|date|datetime|time\.Duration|time\.Time)$/;
const noText = /^(?:null|undefined|true|false|None|True|False)$/;

/** `parts` are the parameters of one list, of which `at` is asked for under its `name`. */
export function isPlain(reading: Reading, parts: readonly Span[], at: number, name: string): boolean {
  const { tokens, family } = reading;
  const type = typeOf(reading, parts, at, name);
  if (type.length === 0) return false;
  const text = type.map((token) => token.text).join('');
  // Python's are hints that nothing holds the caller to.
  if (family.name !== 'python' && plain.test(text.replace(/\?$/, ''))) return true;
  if (family.name === 'python' && /^(?:typing\.)?Literal\[/.test(text)) return true;
  if (family.name === 'script' && type.every(isOneOf) && type.some(({ kind }) => kind === 'string')) return true;
  return type.length === 1 && enumsOf(tokens).has(text);
}

function isOneOf({ kind, text, groups }: Token): boolean {
  return (kind === 'string' && groups === 0) || kind === 'number' || text === '|' || noText.test(text);
}

function typeOf({ tokens, family }: Reading, parts: readonly Span[], at: number, name: string): readonly Token[] {
  const [from, to] = parts[at]!;
  const part = tokens.slice(from, to).filter(({ kind }) => kind !== 'newline');
  const own = part.findIndex(({ text }) => text.replace(/^\$/, '') === name);
  switch (family.name) {
    case 'java':
    case 'csharp':
    case 'php': {
      // What decorates it stands before its type.
      const before = part
        .slice(0, own)
        .filter(({ text }) => !/^(?:final|public|private|protected|readonly)$/.test(text));
      const last = before.at(-1)?.text === '?' ? before.slice(-2) : before.slice(-1);
      return family.name === 'php' && before.at(-2)?.text === '|' ? [] : last;
    }
    case 'script':
    case 'python': {
      if (own !== 0) return [];
      const colon = part[1]?.text === '?' ? 2 : 1;
      if (part[colon]?.text !== ':') return [];
      const end = part.findIndex(({ text }) => text === '=');
      return part.slice(colon + 1, end < 0 ? part.length : end);
    }
    case 'go': {
      // `limit, offset int`: the type stands behind the last of them.
      const typed = parts.slice(at).find(([first, last]) => last - first > 1);
      return typed === undefined ? [] : tokens.slice(typed[0] + 1, typed[1]);
    }
    default:
      return [];
  }
}

const known = new WeakMap<readonly Token[], Set<string>>();

/** Those declared in the fragment: `enum Sort {…}`, Python's `class Sort(str, Enum)`; looked for once. */
function enumsOf(tokens: readonly Token[]): Set<string> {
  let enums = known.get(tokens);
  if (enums !== undefined) return enums;
  enums = new Set();
  for (const [i, { kind, text }] of tokens.entries()) {
    if (kind !== 'id') continue;
    if (text === 'enum' && tokens[i + 1]?.kind === 'id') enums.add(tokens[i + 1]!.text);
    else if (text === 'class' && tokens[i + 2]?.text === '(' && namesEnum(tokens, i + 2))
      enums.add(tokens[i + 1]!.text);
  }
  known.set(tokens, enums);
  return enums;
}

const mostBases = 12;

function namesEnum(tokens: readonly Token[], open: number): boolean {
  const end = Math.min(tokens[open]!.pair, open + mostBases);
  return tokens.slice(open + 1, Math.max(end, open + 1)).some(({ text }) => /^(?:Str|Int)?Enum$/.test(text));
}
