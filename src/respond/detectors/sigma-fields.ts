// One item of a Sigma detection: a field, what is asked of it, and the values it may have.
//
// Source: Sigma specification 2.x, "Detection" and "Modifiers". What is not done here is refused by its name.
import { BlockList, isIP } from 'node:net';
import type { JsonObject } from '../../platform/base/json.ts';
import { linearRegex, RegexRefused } from './linear-regex.ts';

/** `what` is the exact reason, as a person can act on it. */
export class SigmaRefused extends Error {
  override readonly name = 'SigmaRefused';
  readonly what: string;
  constructor(what: string) {
    super(what);
    this.what = what;
  }
}

export type Matcher = (record: JsonObject) => boolean;
type Value = string | number | boolean | null;
type ValueMatcher = (value: unknown) => boolean;

const asked = ['contains', 'startswith', 'endswith', 're', 'cidr', 'lt', 'lte', 'gt', 'gte', 'exists'] as const;
const besides = ['all', 'cased', 'i', 's'] as const;
const mostValues = 1_000;
/** Longer values are looked at so far. */
const lookedAt = 16_384;

/** `key` is a field's path with dots and its modifiers behind bars, e.g. `src_endpoint.ip|cidr`. */
export function fieldMatcher(key: string, given: unknown): Matcher {
  const [field = '', ...modifiers] = key.split('|');
  if (field === '') throw new SigmaRefused(`a field without a name: ${key}`);
  const unknown = modifiers.find((one) => !([...asked, ...besides] as readonly string[]).includes(one));
  if (unknown !== undefined) throw new SigmaRefused(`the modifier ${unknown} is not supported`);
  const ways = asked.filter((one) => modifiers.includes(one));
  if (ways.length > 1) throw new SigmaRefused(`the modifiers ${ways.join(' and ')} exclude each other`);
  const [way] = ways;
  for (const flag of ['i', 's'] as const)
    if (modifiers.includes(flag) && way !== 're') throw new SigmaRefused(`the modifier ${flag} belongs behind re`);
  const path = field.split('.');
  const values = valuesOf(given, field);
  if (way === 'exists') {
    const wanted = values[0];
    if (typeof wanted !== 'boolean') throw new SigmaRefused('exists asks for true or false');
    return (record) => found(record, path).some((value) => value !== undefined && value !== null) === wanted;
  }
  const matchers = values.map((value) => valueMatcher(way, value, modifiers));
  const isAll = modifiers.includes('all');
  return (record) => {
    const its = found(record, path);
    const fits = (matcher: ValueMatcher) => (its.length === 0 ? matcher(null) : its.some(matcher));
    return isAll ? matchers.every(fits) : matchers.some(fits);
  };
}

/** Words that stand anywhere in a record. */
export function keywordMatcher(words: readonly unknown[]): Matcher {
  const matchers = words.map((word) => {
    if (typeof word !== 'string' && typeof word !== 'number') throw new SigmaRefused('a keyword is text or a number');
    return valueMatcher('contains', String(word), []);
  });
  return (record) => matchers.some((matcher) => texts(record, 0).some(matcher));
}

/** All values at a path; of a list each. */
export function found(record: unknown, path: readonly string[]): unknown[] {
  let value: unknown = record;
  for (const [at, step] of path.entries()) {
    // Seldom: most fields of a record stand in no list, and each record is asked for some fifty of them.
    if (Array.isArray(value)) return value.flatMap((one) => found(one, path.slice(at)));
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return [];
    value = (value as Record<string, unknown>)[step];
  }
  return Array.isArray(value) ? value : [value];
}

function texts(value: unknown, depth: number): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null || depth > 8) return [];
  return Object.values(value).flatMap((one) => texts(one, depth + 1));
}

function valuesOf(given: unknown, field: string): Value[] {
  const values = Array.isArray(given) ? given : [given];
  if (values.length > mostValues) throw new SigmaRefused(`more than ${mostValues} values for ${field}`);
  if (values.length === 0) throw new SigmaRefused(`no value for ${field}`);
  for (const value of values)
    if (value !== null && !['string', 'number', 'boolean'].includes(typeof value))
      throw new SigmaRefused(`a value of ${field} is neither text nor number`);
  return values as Value[];
}

function valueMatcher(
  way: (typeof asked)[number] | undefined,
  value: Value,
  modifiers: readonly string[],
): ValueMatcher {
  if (way === 're') return regexMatcher(value, modifiers);
  if (way === 'cidr') return cidrMatcher(value);
  if (way === 'lt' || way === 'lte' || way === 'gt' || way === 'gte') return orderMatcher(way, value);
  if (value === null) {
    if (way !== undefined) throw new SigmaRefused(`${way} asks for text`);
    return (its) => its === null || its === undefined || its === '';
  }
  if (typeof value !== 'string') {
    if (way === undefined) return (its) => its === value || String(its) === String(value);
    return valueMatcher(way, String(value), modifiers);
  }
  const pattern = wildcards(value);
  const before = way === 'contains' || way === 'endswith' ? '' : '^';
  const after = way === 'contains' || way === 'startswith' ? '' : '$';
  const matches = compiled(`(?s)${before}(?:${pattern})${after}`, !modifiers.includes('cased'));
  return (its) => isText(its) && matches(String(its).slice(0, lookedAt));
}

function isText(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function regexMatcher(value: Value, modifiers: readonly string[]): ValueMatcher {
  if (typeof value !== 'string') throw new SigmaRefused('re asks for text');
  const source = modifiers.includes('s') && !value.startsWith('(?') ? `(?s)${value}` : value;
  const matches = compiled(source, modifiers.includes('i'));
  return (its) => isText(its) && matches(String(its).slice(0, lookedAt));
}

function compiled(source: string, ignoreCase: boolean): (text: string) => boolean {
  try {
    return linearRegex(source, { ignoreCase });
  } catch (error) {
    if (error instanceof RegexRefused) throw new SigmaRefused(error.message);
    throw error;
  }
}

/** `*` any text, `?` one character; a backslash before them, or before itself, takes their meaning away. */
function wildcards(value: string): string {
  let pattern = '';
  for (let at = 0; at < value.length; at++) {
    const sign = value[at]!;
    const next = value[at + 1];
    if (sign === '\\' && (next === '*' || next === '?' || next === '\\')) {
      pattern += `\\${next}`;
      at++;
    } else if (sign === '*') pattern += '.*';
    else if (sign === '?') pattern += '.';
    else pattern += /[\w\s]/.test(sign) || sign > '\x7f' ? sign : `\\${sign}`;
  }
  return pattern;
}

function cidrMatcher(value: Value): ValueMatcher {
  const [address = '', bits = ''] = String(value).split('/');
  const version = isIP(address);
  if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128))
    throw new SigmaRefused(`${String(value).slice(0, 60)} is no network`);
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return (its) => typeof its === 'string' && isIP(its) === version && list.check(its, family);
}

function orderMatcher(way: 'lt' | 'lte' | 'gt' | 'gte', value: Value): ValueMatcher {
  const limit = Number(value);
  if (value === null || value === '' || Number.isNaN(limit)) throw new SigmaRefused(`${way} asks for a number`);
  return (its) => {
    const number = typeof its === 'number' || (typeof its === 'string' && its.trim() !== '') ? Number(its) : Number.NaN;
    if (way === 'lt') return number < limit;
    if (way === 'lte') return number <= limit;
    return way === 'gt' ? number > limit : number >= limit;
  };
}
