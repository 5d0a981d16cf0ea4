// The stream ends in good order, but never says that the answer is over.
import type { AnswerEdit } from './answer-edit.ts';

export function missingTerminator(): AnswerEdit {
  let done = false;
  return {
    frame(frame) {
      if (!frame.isTerminator) return [{ send: frame.bytes }];
      done = true;
      return [{ finish: true }];
    },
    // One body has no terminator to lose.
    body: (body) => [{ send: body }],
    touched: () => done,
  };
}
