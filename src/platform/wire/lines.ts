// Cuts a stream of bytes into lines, whatever the chunks: the ground of the SSE and NDJSON parsers.
import { RempartError } from '../base/errors.ts';

export interface LineSplitter {
  push(chunk: Uint8Array): void;
  /** What follows the last line end. */
  end(): string;
}

export interface LineOptions {
  /** A lone CR ends a line in SSE, and is white space in NDJSON. */
  bareCr: boolean;
  /** Most UTF-16 units that a line may hold; the error is thrown before more is kept. */
  maxLength: number;
}

/** Calls `onLine` for each line without its end. Bytes that are not UTF-8 become U+FFFD. Throws ERR_STREAM_EVENT_TOO_LARGE. */
export function createLineSplitter(onLine: (line: string) => void, { bareCr, maxLength }: LineOptions): LineSplitter {
  const decoder = new TextDecoder('utf-8');
  let tail = '';
  let afterCr = false;

  function take(text: string): void {
    let start = 0;
    // A CR that closed the last chunk already ended its line; its LF belongs to it.
    if (afterCr && text.length > 0) {
      if (text.charCodeAt(0) === 10) start = 1;
      afterCr = false;
    }
    let lf = text.indexOf('\n', start);
    let cr = bareCr ? text.indexOf('\r', start) : -1;
    while (lf !== -1 || cr !== -1) {
      const atCr = cr !== -1 && (lf === -1 || cr < lf);
      const at = atCr ? cr : lf;
      emit(tail + text.slice(start, at));
      tail = '';
      start = at + 1;
      if (atCr) {
        if (start === text.length) afterCr = true;
        else if (text.charCodeAt(start) === 10) start++;
      }
      if (lf !== -1 && lf < start) lf = text.indexOf('\n', start);
      if (cr !== -1 && cr < start) cr = text.indexOf('\r', start);
    }
    tail += text.slice(start);
    refuseOver(tail.length, maxLength);
  }

  function emit(line: string): void {
    refuseOver(line.length, maxLength);
    onLine(line);
  }

  return {
    push: (chunk) => take(decoder.decode(chunk, { stream: true })),
    end() {
      take(decoder.decode());
      return tail;
    },
  };
}

/** Throws ERR_STREAM_EVENT_TOO_LARGE when `length` is over the limit. */
export function refuseOver(length: number, limit: number): void {
  if (length > limit) throw new RempartError('ERR_STREAM_EVENT_TOO_LARGE', { limit });
}
