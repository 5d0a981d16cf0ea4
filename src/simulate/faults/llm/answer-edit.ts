// What a fault does to a provider's answer while it passes: steps in answer to frames, without clock or network of its own.
import type { Frame } from './frames.ts';

export type Step =
  | { send: Buffer }
  | { waitMs: number }
  /** The connection breaks: in order (FIN, before the answer is whole) or by RST. */
  | { cut: 'close' | 'reset' }
  /** The answer ends well formed, whatever was still to come. */
  | { finish: true };

export interface AnswerEdit {
  /** Called before anything is sent. */
  headers?(headers: Record<string, string | string[]>): Record<string, string | string[]>;
  /** One whole frame of a streamed answer, in the order in which they come. */
  frame(frame: Frame): Step[];
  /** The provider's stream came to its end. */
  end?(): Step[];
  /** An answer that is one body. */
  body(body: Buffer): Step[];
  /** The announced length stays, so that the reader can tell that something is missing. */
  keepsLength?: boolean;
  /** Whether the answer was really touched: a cut after the 50th token leaves an answer of ten alone. */
  touched(): boolean;
}

/** After how much of an answer something happens; a token is a frame that carries text. */
export interface Position {
  afterTokens?: number | undefined;
  afterEvents?: number | undefined;
}

/** Counts frames; `reached` is true from the frame on that comes after the position. */
export function countUpTo({ afterTokens, afterEvents }: Position): { reached(): boolean; count(frame: Frame): void } {
  let tokens = 0;
  let events = 0;
  return {
    reached: () => (afterTokens === undefined ? events >= (afterEvents ?? 0) : tokens >= afterTokens),
    count(frame) {
      events++;
      if (frame.hasText) tokens++;
    },
  };
}

export const half = (body: Buffer): number => Math.max(1, body.length >> 1);
