// Shapes of request bodies: each checks a value and builds it anew from what it knows, so nothing unknown is forwarded.
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';

export type UnknownFields = 'refuse' | 'drop';

/** Returns the rebuilt value, or throws ERR_BODY_FIELD_INVALID, ERR_BODY_FIELD_UNKNOWN or ERR_BODY_DUPLICATE_KEY. */
export type Shape = (value: Json, path: string, unknown: UnknownFields) => Json;

function invalid(path: string): RempartError {
  if (path === '') return new RempartError('ERR_BODY_INVALID', { what: { key: 'issue.body.object' } });
  return new RempartError('ERR_BODY_FIELD_INVALID', { field: path.slice(0, 100) });
}

export const text: Shape = (value, path) => {
  if (typeof value !== 'string') throw invalid(path);
  return value;
};

/** Without the blanks that Ollama would cut off; none, and nothing that cannot be seen, within. */
export const modelName: Shape = (value, path) => {
  const trimmed = typeof value === 'string' ? value.trim() : '';
  if (!/^[!-~]{1,256}$/.test(trimmed)) throw invalid(path);
  return trimmed;
};

export const flag: Shape = (value, path) => {
  if (typeof value !== 'boolean') throw invalid(path);
  return value;
};

export function number(min: number, max: number): Shape {
  return (value, path) => {
    if (typeof value !== 'number' || !(value >= min && value <= max)) throw invalid(path);
    return value;
  };
}

export function integer(min: number, max: number): Shape {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) throw invalid(path);
    return value;
  };
}

export function oneOf(...allowed: readonly string[]): Shape {
  return (value, path) => {
    if (typeof value !== 'string' || !allowed.includes(value)) throw invalid(path);
    return value;
  };
}

export function list(item: Shape, max: number, min = 0): Shape {
  return (value, path, unknown) => {
    if (!Array.isArray(value) || value.length > max || value.length < min) throw invalid(path);
    return value.map((entry, index) => item(entry, `${path}[${index}]`, unknown));
  };
}

/** The first shape that fits; else the refusal of the last. */
export function either(...shapes: readonly Shape[]): Shape {
  return (value, path, unknown) => {
    let refusal: unknown;
    for (const shape of shapes) {
      try {
        return shape(value, path, unknown);
      } catch (error) {
        refusal = error;
      }
    }
    throw refusal;
  };
}

/** `either(shape, text)` for what is nearly always a text: a refusal that nobody sees costs 15 µs to make. */
export function textOr(shape: Shape): Shape {
  const both = either(shape, text);
  return (value, path, unknown) => (typeof value === 'string' ? value : both(value, path, unknown));
}

/** An object whose keys are the user's own (a JSON Schema, tool arguments): kept whole, since no reader looks for names in it. */
export const freeObject: Shape = (value, path) => {
  if (!isObject(value)) throw invalid(path);
  return value;
};

export const anything: Shape = (value) => value;

/** An object with these fields, rebuilt in their order. A null where a field may be missing counts as missing. */
export function object(fields: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape {
  const known = Object.entries(fields);
  const names = new Set(known.map(([key]) => key));
  const byFold = new Map(known.map(([key]) => [fold(key), key]));
  return (value, path, unknown) => {
    if (!isObject(value)) throw invalid(path);
    refuseStrangers(value, path, unknown, names, byFold);
    const built: JsonObject = {};
    for (const [key, shape] of known) {
      const given = value[key];
      const isThere = given !== undefined && Object.hasOwn(value, key) && (given !== null || required.includes(key));
      if (!isThere && !required.includes(key)) continue;
      const place = path === '' ? key : `${path}.${key}`;
      if (!isThere) throw invalid(place);
      built[key] = shape(given, place, unknown);
    }
    return built;
  };
}

function refuseStrangers(
  value: JsonObject,
  path: string,
  unknown: UnknownFields,
  known: ReadonlySet<string>,
  byFold: ReadonlyMap<string, string>,
): void {
  for (const key in value) {
    if (known.has(key)) continue;
    const meant = byFold.get(fold(key));
    // Refused even where unknown fields are dropped: `MODEL` is `model` to a Go server, and dropping it hides an attack.
    if (meant !== undefined) throw new RempartError('ERR_BODY_DUPLICATE_KEY', { key: key.slice(0, 60) });
    if (unknown === 'refuse') {
      const field = path === '' ? key : `${path}.${key}`;
      throw new RempartError('ERR_BODY_FIELD_UNKNOWN', { field: field.slice(0, 100) });
    }
  }
}

/** Upper then lower case, as Go's encoding/json folds: it takes U+017F for s and U+212A for k. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
