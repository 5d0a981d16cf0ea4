// A value that a JSON Schema allows, with words and numbers of the prompt in it: arguments of tools, structured answers.

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  minimum?: number;
  minItems?: number;
}

const deepest = 8;
const maxPrompt = 4_000;

/** Covers what tool definitions use: types, enum, const, default, anyOf, nesting to eight levels. `$ref` gives null. */
export function exampleOf(schema: unknown, prompt: string, depth = 0): unknown {
  // The patterns below are quadratic at worst.
  if (prompt.length > maxPrompt) return exampleOf(schema, prompt.slice(-maxPrompt), depth);
  if (typeof schema !== 'object' || schema === null || depth > deepest) return null;
  const wanted = schema as Schema;
  if (wanted.const !== undefined) return wanted.const;
  if (wanted.enum !== undefined) return wanted.enum.find((value) => prompt.includes(String(value))) ?? wanted.enum[0];
  if (wanted.default !== undefined) return wanted.default;
  const variant = (wanted.anyOf ?? wanted.oneOf)?.[0];
  if (variant !== undefined) return exampleOf(variant, prompt, depth + 1);
  switch (Array.isArray(wanted.type) ? wanted.type[0] : (wanted.type ?? (wanted.properties ? 'object' : 'null'))) {
    case 'object':
      return Object.fromEntries(
        Object.entries(wanted.properties ?? {}).map(([key, value]) => [key, exampleOf(value, prompt, depth + 1)]),
      );
    case 'array':
      return Array.from({ length: wanted.minItems ?? 1 }, () => exampleOf(wanted.items, prompt, depth + 1));
    case 'integer':
      return Math.round(numberFrom(prompt, wanted.minimum));
    case 'number':
      return numberFrom(prompt, wanted.minimum);
    case 'boolean':
      return true;
    case 'string':
      return wordFrom(prompt);
    default:
      return null;
  }
}

function numberFrom(prompt: string, minimum = 1): number {
  const found = Number(/(?<![\w-])-?\d{1,9}(?:\.\d{1,4})?(?![\w-])/.exec(prompt)?.[0] ?? minimum);
  return Math.max(found, minimum);
}

/** What is quoted; else the last word with a capital that does not open the text; else the last word. */
function wordFrom(prompt: string): string {
  const quoted = /["«“]\s*([^"»”]{1,80}?)\s*["»”]/.exec(prompt)?.[1];
  if (quoted !== undefined) return quoted;
  const words = prompt.match(/\p{L}[\p{L}'’-]*/gu) ?? [];
  return words.slice(1).findLast((word) => /^\p{Lu}\p{Ll}/u.test(word)) ?? words.at(-1) ?? 'stand-in';
}
