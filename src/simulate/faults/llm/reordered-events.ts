// Two events that follow each other come in the wrong order.
import { type AnswerEdit, countUpTo, type Position } from './answer-edit.ts';

export function reorderedEvents(fault: Position): AnswerEdit {
  const position = countUpTo(fault);
  let held: Buffer | null = null;
  let done = false;
  return {
    frame(frame) {
      const due = !done && held === null && position.reached() && !frame.isTerminator;
      position.count(frame);
      if (due) {
        held = frame.bytes;
        return [];
      }
      if (held === null) return [{ send: frame.bytes }];
      const before = held;
      held = null;
      done = true;
      return [{ send: frame.bytes }, { send: before }];
    },
    end: () => (held === null ? [] : [{ send: held }]),
    body: (body) => [{ send: body }],
    touched: () => done,
  };
}
