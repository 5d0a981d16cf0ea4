// Server-sent events, read from bytes as they come and written (WHATWG HTML §9.2.6).
import { createLineSplitter, refuseOver } from './lines.ts';

export interface SseEvent {
  event?: string;
  data: string;
}

export interface StreamParser {
  push(chunk: Uint8Array): void;
  /** `clean` is false when the bytes stopped inside an event: what it held is dropped. */
  end(): { clean: boolean };
}

export interface SseParser extends StreamParser {
  /** `dropped`: the data of the event that had no blank line after it. */
  end(): { clean: boolean; dropped: string | undefined };
}

export interface ParserOptions {
  /** Most UTF-16 units in one event. */
  maxLength?: number;
}

export const defaultMaxEventLength = 1_048_576;

/** Calls `onEvent` for each whole event. Comments, `id` and `retry` are skipped. Throws ERR_STREAM_EVENT_TOO_LARGE. */
export function createSseParser(
  onEvent: (event: SseEvent) => void,
  { maxLength = defaultMaxEventLength }: ParserOptions = {},
): SseParser {
  let event = '';
  let data: string | undefined;
  let held = 0;
  const lines = createLineSplitter(takeLine, { bareCr: true, maxLength });

  function takeLine(line: string): void {
    if (line === '') {
      // An event without data is not dispatched (§9.2.6), so a lone `event:` line cannot forge one.
      if (data !== undefined) onEvent(event === '' ? { data } : { event, data });
      event = '';
      data = undefined;
      held = 0;
      return;
    }
    held += line.length;
    refuseOver(held, maxLength);
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    if (field !== 'data' && field !== 'event') return;
    const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
    if (field === 'event') event = value;
    else data = data === undefined ? value : `${data}\n${value}`;
  }

  return {
    push: (chunk) => lines.push(chunk),
    end() {
      const tail = lines.end();
      const clean = tail === '' && data === undefined && event === '';
      if (tail !== '') takeLine(tail);
      return { clean, dropped: data };
    },
  };
}

/** One event as it goes over the wire; each line of `data` gets its own field. */
export function formatSse(data: string, event?: string): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  if (!/[\r\n]/.test(data)) return `${name}data: ${data}\n\n`;
  const fields = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${name}${fields.join('')}\n`;
}
