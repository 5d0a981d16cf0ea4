// Configuration and secrets of an experiment: read from literals and the environment, filled into `${name}`, and kept out of the journal.
import type { Json } from '../../platform/base/json.ts';
import { type Experiment, invalid } from './experiment.ts';

export interface Variables {
  /** Every `${name}` filled; a text that is only one place takes the value's own type; unknown names stay as text. */
  fill<T>(value: T): T;
  /** The values of secrets, to be hidden wherever they appear. */
  hide<T>(value: T): T;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Configuration wins over secrets of the same name. Throws ERR_EXPERIMENT_INVALID for a variable of the environment that is missing. */
export function variablesOf({ configuration, secrets }: Experiment, env: Env, file: string): Variables {
  const known = new Map<string, Json>();
  const hidden: string[] = [];
  for (const [scope, entries] of Object.entries(secrets)) {
    for (const [name, entry] of Object.entries(entries)) {
      const value = readValue(entry, env, `secrets.${scope}.${name}`, file);
      known.set(name, value);
      if (typeof value === 'string' && value !== '') hidden.push(value);
    }
  }
  for (const [name, entry] of Object.entries(configuration))
    known.set(name, readValue(entry, env, `configuration.${name}`, file));
  return { fill: (value) => deep(value, (text) => fillText(text, known)), hide: (value) => deep(value, hider(hidden)) };
}

function readValue(entry: Json, env: Env, path: string, file: string): Json {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry) || !('type' in entry)) return entry;
  const { type, key, default: fallback, env_var_type: as } = entry;
  if (type !== 'env' || typeof key !== 'string')
    throw invalid(file, path, `a value of type "${String(type)}" cannot be read here, only literals and env`);
  const text = env[key];
  if (text === undefined) {
    if (fallback === undefined) throw invalid(file, path, `the variable ${key} is not set and has no default`);
    return fallback;
  }
  switch (as) {
    case 'int':
    case 'float':
      return Number(text);
    case 'bool':
      return /^(1|true|yes|on)$/i.test(text);
    case 'json':
      return JSON.parse(text) as Json;
    default:
      return text;
  }
}

function fillText(text: string, known: ReadonlyMap<string, Json>): Json {
  const whole = /^\$\{([^}]+)\}$/.exec(text)?.[1];
  if (whole !== undefined) return known.get(whole) ?? text;
  return text.replace(/\$\{([^}]+)\}/g, (place, name: string) => {
    const value = known.get(name);
    return value === undefined ? place : typeof value === 'string' ? value : JSON.stringify(value);
  });
}

function hider(secrets: readonly string[]): (text: string) => string {
  const longest = [...secrets].sort((a, b) => b.length - a.length);
  return (text) => longest.reduce((left, secret) => left.replaceAll(secret, '[hidden]'), text);
}

function deep<T>(value: T, change: (text: string) => unknown): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((entry) => deep(entry, change)) as T;
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, deep(entry, change)])) as T;
  return value;
}
