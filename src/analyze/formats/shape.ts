// Careful reading of values whose shape nobody promises.

export type Shape = { readonly [key: string]: unknown };

export function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one when it is something else. */
export function shape(value: unknown): Shape {
  return isShape(value) ? value : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The objects of a list. */
export function shapes(value: unknown): Shape[] {
  return list(value).filter(isShape);
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A text that says something, or null. */
export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The first text that says something. */
export function firstText(...values: unknown[]): string | null {
  for (const value of values) if (typeof value === 'string' && value !== '') return value;
  return null;
}

/** Seconds, milliseconds, microseconds or a written date as an ISO instant; null when it is none. */
export function instant(value: unknown): string | null {
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof number === 'number') {
    if (!Number.isFinite(number) || number <= 0) return null;
    return isoOf(number < 1e11 ? number * 1_000 : number < 1e14 ? number : number / 1_000);
  }
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? isoOf(Date.parse(withZone(value))) : null;
}

/** A date without a zone is taken as UTC: the same bytes on every machine. */
function withZone(date: string): string {
  return /(?:Z|[+-]\d\d:?\d\d)$/i.test(date) || !date.includes('T') ? date : `${date}Z`;
}

function isoOf(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Every text below a value, for a type that nobody knows: what it says is still looked at. */
export function textsWithin(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  if (depth > 12) return [];
  if (Array.isArray(value)) return value.flatMap((entry) => textsWithin(entry, depth + 1));
  if (!isShape(value)) return [];
  return Object.entries(value).flatMap(([key, entry]) => (quietKeys.test(key) ? [] : textsWithin(entry, depth + 1)));
}

/** Keys that name things and say nothing. */
const quietKeys =
  /^(?:id|uuid|type|kind|role|content_type|mime_?type|status|.*_(?:id|uuid|at|url|pointer|timestamp)|signature|encrypted_content|.*(?:Id|Uuid))$/;

/** A JSON text as a value, or undefined. */
export function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
