// One frame is no JSON, though its stream goes on; an answer in one body loses its last byte.
import { type AnswerEdit, countUpTo, type Position } from './answer-edit.ts';

export function malformedFrame(fault: Position): AnswerEdit {
  const position = countUpTo(fault);
  let done = false;
  return {
    frame(frame) {
      const due = !done && position.reached() && !frame.isTerminator;
      position.count(frame);
      if (!due) return [{ send: frame.bytes }];
      done = true;
      return [
        {
          send: Buffer.from(
            frame.format === 'sse' ? 'data: {"id":"broken","choices":[{\n\n' : '{"model":"broken","mess\n',
          ),
        },
      ];
    },
    body(body) {
      done = true;
      return [{ send: body.subarray(0, Math.max(0, body.toString('latin1').trimEnd().length - 1)) }];
    },
    touched: () => done,
  };
}
