// What a command of a playbook is given: its text as its author wrote it, and values from outside beside it, as data.
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { fill, fillAll, referencesIn, type Scope } from './variables.ts';

/** A variable that a command refers to. */
export interface CommandValue extends JsonObject {
  /** e.g. `__subject__`. */
  name: string;
  value: string;
  /** The playbook's own constant: as much its author's text as the command is. */
  fixed: boolean;
}

/** Commands whose text is read by a shell, where a value put into it could become a part of the program. */
export const shellTypes: readonly string[] = ['bash', 'ssh'];

/** Throws ERR_PLAYBOOK_VARIABLE for a reference to nothing. */
export function commandArgs(type: string, given: JsonObject, scope: Scope): JsonObject {
  const { command, headers, content, ...rest } = given;
  const filled = fillAll(rest, scope) as JsonObject;
  const text = typeof command === 'string' ? command : '';
  if (shellTypes.includes(type)) return { ...filled, command: text, values: valuesIn(text, scope) };
  if (type !== 'http-api') return fillAll(given, scope) as JsonObject;
  return {
    ...filled,
    command: fillRequestLine(text, scope),
    ...(headers === undefined ? {} : { headers: fillAll(headers, scope) as Json }),
    ...(typeof content === 'string' ? { content: fillContent(content, headers, scope) } : {}),
  };
}

function valuesIn(text: string, scope: Scope): CommandValue[] {
  const names = [...new Set(referencesIn(text))].filter((name) => isReference(text, name, scope));
  return names.map((name) => {
    const variable = scope.get(name);
    // Throws for one that is unknown or has no value.
    const value = fill(`${name}:value`, scope);
    return { name, value, fixed: variable?.fixed === true };
  });
}

/** Without `:value` a word with underscores is a reference only when there is such a variable. */
function isReference(text: string, name: string, scope: Scope): boolean {
  return scope.get(name) !== undefined || text.includes(`${name}:value`);
}

/** `GET /path HTTP/1.1`: a value is a part of the path or the query, never more; a whole address may stand at its beginning. */
function fillRequestLine(line: string, scope: Scope): string {
  const escaped = escapedScope(scope, encodeURIComponent);
  return line.replace(/\S+/g, (word, at: number) => {
    const whole = /^__\w[\w-]*__:value/.exec(word)?.[0];
    if (at === 0 || whole === undefined) return fill(word, escaped);
    return fill(whole, scope) + fill(word.slice(whole.length), escaped);
  });
}

/** A value stays a text in JSON and one field in a form, whatever stands in it. */
function fillContent(content: string, headers: Json | undefined, scope: Scope): string {
  if (referencesIn(content).length === 0) return content;
  const form = /application\/x-www-form-urlencoded/i.test(JSON.stringify(headers ?? {}));
  if (form) return fill(content, escapedScope(scope, encodeURIComponent));
  try {
    return JSON.stringify(fillAll(JSON.parse(content), scope));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const json = /\bjson\b/i.test(JSON.stringify(headers ?? {})) || /^\s*[{[]/.test(content);
  return fill(content, json ? escapedScope(scope, (value) => inJson(value)) : scope);
}

/** Outside of quotes only numbers and truth values are themselves; everything else becomes a text there. */
function inJson(value: string): string {
  return /^(-?\d{1,15}(\.\d{1,15})?|true|false)$/.test(value) ? value : JSON.stringify(value);
}

function escapedScope(scope: Scope, escaped: (value: string) => string): Scope {
  return {
    ...scope,
    get(name) {
      const variable = scope.get(name);
      if (variable === undefined || variable.value === null || variable.fixed) return variable;
      return { ...variable, value: escaped(variable.value) };
    },
  };
}
