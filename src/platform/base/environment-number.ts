// Numbers of a configuration that stand in the environment.
import type { z } from 'zod';
import type { Environment } from './environment-proxy.ts';
import { RempartError } from './errors.ts';

/** The value with numbers in place of `env:NAME` wherever the schema wants a number. Throws ERR_SECRET_MISSING; what is no number stays, for the schema to refuse. */
export function withNumbers(raw: unknown, schema: z.ZodType, env: Environment): unknown {
  const parsed = schema.safeParse(raw);
  const wanted = parsed.success
    ? []
    : parsed.error.issues.filter(
        ({ code, ...issue }) => code === 'invalid_type' && 'expected' in issue && issue.expected === 'number',
      );
  return wanted.reduce<unknown>((value, { path }) => replaced(value, path, (given) => numberIn(given, path, env)), raw);
}

function numberIn(given: unknown, path: readonly PropertyKey[], env: Environment): unknown {
  const name = typeof given === 'string' && given.startsWith('env:') ? given.slice(4) : undefined;
  if (name === undefined) return given;
  const found = env[name]?.trim();
  if (!found) throw new RempartError('ERR_SECRET_MISSING', { name, path: path.map(String).join('.') });
  return /^\d+(\.\d+)?$/.test(found) ? Number(found) : given;
}

/** A copy in which one place holds another value. */
function replaced(
  value: unknown,
  [key, ...rest]: readonly PropertyKey[],
  change: (given: unknown) => unknown,
): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value)) return value.map((entry, index) => (index === key ? replaced(entry, rest, change) : entry));
  if (typeof value !== 'object' || value === null) return value;
  const known = value as Record<PropertyKey, unknown>;
  return { ...known, [key]: replaced(known[key], rest, change) };
}
