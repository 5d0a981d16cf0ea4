// 200, and nothing in it: no byte at all, or a well-formed answer without a word.
import type { AnswerEdit } from './answer-edit.ts';
import { withoutText } from './frames.ts';

export function emptyAnswer({ keeps }: { keeps: 'nothing' | 'frame' }): AnswerEdit {
  let done = false;
  return {
    frame(frame) {
      done = true;
      if (keeps === 'nothing') return [{ finish: true }];
      // A terminator may carry the last words with it, so only what has none of them passes.
      return frame.hasText && !frame.isTerminator ? [] : [{ send: frame.bytes }];
    },
    body(body) {
      done = true;
      const empty = keeps === 'nothing' ? null : withoutText(body);
      return empty === null ? [{ finish: true }] : [{ send: empty }];
    },
    touched: () => done,
  };
}
