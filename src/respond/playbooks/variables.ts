// Variables of a run: their scopes, and texts that refer to them as `__name__:value` (CACAO v2, section 10.18).
import { RempartError } from '../../platform/base/errors.ts';
import type { Variables, VariableType } from './playbook.ts';

/** As CACAO has them: texts or nothing, whatever the type; "" is not null. */
export interface Variable {
  type: VariableType;
  value: string | null;
  constant: boolean;
  /** A constant with the value that the playbook itself gives it: as much its author's as the rest of it. */
  fixed: boolean;
}

export interface Scope {
  get(name: string): Variable | undefined;
  /** Throws ERR_PLAYBOOK_VARIABLE for one that is unknown, constant or of another type. */
  set(name: string, value: string | null): void;
  /** A scope within this one: what a step declares hides what the playbook declares. */
  within(declared: Variables): Scope;
  /** Names and values of this scope alone. */
  own(): Record<string, string | null>;
}

/** Values given from outside replace those of `external` variables only. */
export function createScope(declared: Variables, given: Readonly<Record<string, string | null>> = {}): Scope {
  for (const name of Object.keys(given))
    if (declared[name]?.external !== true) throw new RempartError('ERR_PLAYBOOK_VARIABLE', { name });
  return scopeOf(declared, given, undefined);
}

function scopeOf(declared: Variables, given: Readonly<Record<string, string | null>>, outer: Scope | undefined): Scope {
  const here = new Map<string, Variable>(
    Object.entries(declared).map(([name, { type, value, constant }]) => [
      name,
      { type, constant, fixed: constant && given[name] === undefined, value: given[name] ?? value ?? null },
    ]),
  );
  const scope: Scope = {
    get: (name) => here.get(name) ?? outer?.get(name),
    set(name, value) {
      const variable = here.get(name);
      if (variable === undefined) {
        if (outer === undefined) throw new RempartError('ERR_PLAYBOOK_VARIABLE', { name });
        outer.set(name, value);
        return;
      }
      if (variable.constant || (value !== null && !fits(variable.type, value)))
        throw new RempartError('ERR_PLAYBOOK_VARIABLE', { name });
      here.set(name, { ...variable, value });
    },
    within: (inner) => scopeOf(inner, {}, scope),
    own: () => Object.fromEntries([...here].map(([name, { value }]) => [name, value])),
  };
  return scope;
}

const forms: Partial<Record<VariableType, RegExp>> = {
  bool: /^(true|false)$/,
  integer: /^-?\d{1,16}$/,
  long: /^-?\d{1,19}$/,
  float: /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/,
  hexstring: /^([\da-fA-F]{2})*$/,
  'md5-hash': /^[\da-fA-F]{32}$/,
  'sha256-hash': /^[\da-fA-F]{64}$/,
  'mac-addr': /^([\da-fA-F]{2}[:-]){5}[\da-fA-F]{2}$/,
  uuid: /^[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}$/,
};

export function fits(type: VariableType, value: string): boolean {
  return forms[type]?.test(value) ?? true;
}

const reference = /(__[a-zA-Z_][a-zA-Z0-9_-]{0,199}?__)(?::value)?/g;

/** Names that a text refers to. */
export function referencesIn(text: string): string[] {
  return [...text.matchAll(reference)].map((match) => match[1]!);
}

/**
 * The text with each reference replaced by its value, once: a value that looks like a reference stays as it is, so
 * that what an attacker wrote into a variable names no other. A reference to nothing throws ERR_PLAYBOOK_VARIABLE.
 */
export function fill(text: string, scope: Scope): string {
  return text.replace(reference, (whole, name: string) => {
    const variable = scope.get(name);
    if (variable === undefined) {
      // Without `:value` it may be any word with underscores, `__init__` for one.
      if (!whole.endsWith(':value')) return whole;
      throw new RempartError('ERR_PLAYBOOK_VARIABLE', { name });
    }
    if (variable.value === null) throw new RempartError('ERR_PLAYBOOK_VARIABLE', { name });
    return variable.value;
  });
}

/** `fill` for every text of a JSON value. */
export function fillAll(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return fill(value, scope);
  if (Array.isArray(value)) return value.map((entry) => fillAll(entry, scope));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fillAll(entry, scope)]));
}
