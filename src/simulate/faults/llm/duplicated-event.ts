// One event of the stream comes twice.
import { type AnswerEdit, countUpTo, type Position } from './answer-edit.ts';

export function duplicatedEvent(fault: Position): AnswerEdit {
  const position = countUpTo(fault);
  let done = false;
  return {
    frame(frame) {
      const due = !done && position.reached() && !frame.isTerminator;
      position.count(frame);
      if (!due) return [{ send: frame.bytes }];
      done = true;
      return [{ send: frame.bytes }, { send: frame.bytes }];
    },
    body: (body) => [{ send: body }],
    touched: () => done,
  };
}
