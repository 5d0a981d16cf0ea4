// Newline-delimited JSON, read from bytes as they come and written: the stream of Ollama's own API.
import type { Json } from '../base/json.ts';
import { createLineSplitter } from './lines.ts';
import { defaultMaxEventLength, type ParserOptions, type StreamParser } from './sse.ts';

/**
 * Calls `onLine` with each line that is not blank, unparsed. A last line without its end counts when it is whole JSON.
 * Throws ERR_STREAM_EVENT_TOO_LARGE.
 */
export function createNdjsonParser(
  onLine: (line: string) => void,
  { maxLength = defaultMaxEventLength }: ParserOptions = {},
): StreamParser {
  const takeLine = (line: string) => {
    const text = line.trim();
    if (text !== '') onLine(text);
  };
  const lines = createLineSplitter(takeLine, { bareCr: false, maxLength });
  return {
    push: (chunk) => lines.push(chunk),
    end() {
      const tail = lines.end().trim();
      if (tail === '') return { clean: true };
      // An object cut short is never JSON, so a tail that parses lost nothing but its line end.
      if (!tail.startsWith('{') || !isJson(tail)) return { clean: false };
      onLine(tail);
      return { clean: true };
    },
  };
}

/** One value as a line. */
export function formatNdjson(value: Json): string {
  return `${JSON.stringify(value)}\n`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
