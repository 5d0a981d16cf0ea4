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
  return type.length === 1 && isEnum(tokens, text);
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

/** Declared in the fragment: `enum Sort {…}`, Python's `class Sort(str, Enum)`. */
function isEnum(tokens: readonly Token[], name: string): boolean {
  return tokens.some(({ text }, i) => {
    if (text !== name) return false;
    if (tokens[i - 1]?.text === 'enum') return true;
    if (tokens[i - 1]?.text !== 'class' || tokens[i + 1]?.text !== '(') return false;
    return tokens.slice(i + 2, tokens[i + 1]!.pair).some((base) => /^(?:Str|Int)?Enum$/.test(base.text));
  });
}
