// Reading JSON that a stranger sent: null instead of an exception.

export function parseJsonObject(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** Every string anywhere in a JSON text, keys left out; the text itself when it is no JSON. */
export function stringsOf(text: string): string[] {
  const value = parseJsonObject(text);
  if (value === null) return text.trim() === '' ? [] : [text];
  const found: string[] = [];
  collect(value, found);
  return found;
}

function collect(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push(value);
  else if (Array.isArray(value)) for (const entry of value) collect(entry, into);
  else if (typeof value === 'object' && value !== null) for (const entry of Object.values(value)) collect(entry, into);
}

/** The frames of a streamed body (SSE data or a JSON object per line) that match; each as its JSON text. */
export function framesWith(body: string, wanted: RegExp): string[] {
  return body
    .split(/\r?\n/)
    .map((line) => line.replace(/^data:\s*/, ''))
    .filter((line) => line.startsWith('{') && wanted.test(line));
}
