// Whether what a probe saw is within its tolerance, by the rules of Chaos Toolkit.
import type { Json } from '../../platform/base/json.ts';

/** What a tolerance of its own kind "probe" is asked. */
export type AskProbe = (probe: Json, value: Json) => Promise<boolean>;

/** Throws TypeError for a tolerance that has no meaning. */
export async function isWithin(tolerance: Json, seen: Json, askProbe: AskProbe): Promise<boolean> {
  if (typeof tolerance === 'boolean' || typeof tolerance === 'string') return seen === tolerance;
  if (typeof tolerance === 'number') {
    if (!Number.isInteger(tolerance)) throw new TypeError('a tolerance that is one number must be whole');
    return (statusOf(seen) ?? seen) === tolerance;
  }
  if (Array.isArray(tolerance)) return isInList(tolerance, seen);
  if (tolerance === null) throw new TypeError('a tolerance cannot be null');
  const target = typeof tolerance['target'] === 'string' ? tolerance['target'] : undefined;
  const aim = target === undefined ? seen : memberOf(seen, target);
  switch (tolerance['type']) {
    case 'probe':
      return askProbe(tolerance, seen);
    case 'regex':
      return new RegExp(String(tolerance['pattern'])).test(typeof aim === 'string' ? aim : JSON.stringify(aim));
    case 'range': {
      const [low, high] = Array.isArray(tolerance['range']) ? tolerance['range'] : [];
      const value = Number(aim);
      return value >= Number(low) && value <= Number(high);
    }
    case 'jsonpath':
      return isOnPath(tolerance, aim);
    default:
      throw new TypeError(`a tolerance of type "${String(tolerance['type'])}" is not known`);
  }
}

function statusOf(seen: Json): Json | undefined {
  return typeof seen === 'object' && seen !== null && !Array.isArray(seen) ? seen['status'] : undefined;
}

/** A status is looked for in the list even when it has two entries; else two numbers are a range. */
function isInList(tolerance: readonly Json[], seen: Json): boolean {
  const status = statusOf(seen);
  if (status !== undefined) return tolerance.includes(status);
  const [low, high] = tolerance;
  if (tolerance.length === 2 && typeof low === 'number' && typeof high === 'number')
    return typeof seen === 'number' && seen >= low && seen <= high;
  return tolerance.includes(seen);
}

/** A member by its name; a body that is JSON in a text is read as JSON first. */
function memberOf(seen: Json, name: string): Json {
  if (typeof seen !== 'object' || seen === null || Array.isArray(seen)) return seen;
  return seen[name] ?? null;
}

function isOnPath(tolerance: { [name: string]: Json }, aim: Json): boolean {
  const found = atPath(typeof aim === 'string' ? parsed(aim) : aim, String(tolerance['path']));
  const { expect, count } = tolerance;
  if (count !== undefined && found.length !== count) return false;
  if (expect === undefined) return count !== undefined || found.length > 0;
  const wanted = Array.isArray(expect) ? expect : [expect];
  return JSON.stringify(found) === JSON.stringify(wanted);
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** The plain part of JSONPath (RFC 9535): names, indices and wildcards; no filters, no slices, no descent. */
export function atPath(value: Json, path: string): Json[] {
  const steps = /^\$((?:\.[\w-]+|\.\*|\[\d+\]|\[\*\]|\['[^']*'\]|\["[^"]*"\])*)$/.exec(path)?.[1];
  if (steps === undefined) throw new TypeError(`the path "${path}" is not one that can be followed here`);
  let current = [value];
  for (const [step] of steps.matchAll(/\.[\w-]+|\.\*|\[[^\]]*\]/g)) {
    const name = step.replace(/^\.|^\[['"]?|['"]?\]$/g, '');
    current = current.flatMap((one): Json[] => {
      if (typeof one !== 'object' || one === null) return [];
      if (name === '*') return Object.values(one);
      return Object.hasOwn(one, name) ? [(one as Record<string, Json>)[name]!] : [];
    });
  }
  return current;
}
