// After a 200 and some tokens the provider sends an error in its own words, and nothing more.
import { formatSse } from '../../../platform/wire/sse.ts';
import { type AnswerEdit, countUpTo, type Position } from './answer-edit.ts';
import type { StreamFormat } from './frames.ts';

/** `errorBody` is the provider's JSON for the error. */
export function errorEvent(fault: Position & { errorBody: string }): AnswerEdit {
  const position = countUpTo(fault);
  let done = false;
  const event = (format: StreamFormat) =>
    Buffer.from(format === 'sse' ? formatSse(fault.errorBody) : `${fault.errorBody}\n`);
  return {
    frame(frame) {
      const due = position.reached() || frame.isTerminator;
      position.count(frame);
      if (!due) return [{ send: frame.bytes }];
      done = true;
      return [{ send: event(frame.format) }, { finish: true }];
    },
    body() {
      done = true;
      return [{ send: Buffer.from(fault.errorBody) }, { finish: true }];
    },
    touched: () => done,
  };
}
