// The answer stops for a while and goes on: once after some tokens, or before each of them.
import { type AnswerEdit, countUpTo, half, type Position } from './answer-edit.ts';

export interface StallFault extends Position {
  delayMs: number;
  every: boolean;
}

export function stallAnswer(fault: StallFault): AnswerEdit {
  const position = countUpTo(fault);
  let stalls = 0;
  return {
    frame(frame) {
      const due = position.reached() && (stalls === 0 || (fault.every && frame.hasText));
      position.count(frame);
      if (!due) return [{ send: frame.bytes }];
      stalls++;
      return [{ waitMs: fault.delayMs }, { send: frame.bytes }];
    },
    body(body) {
      stalls++;
      return [{ send: body.subarray(0, half(body)) }, { waitMs: fault.delayMs }, { send: body.subarray(half(body)) }];
    },
    touched: () => stalls > 0,
  };
}
