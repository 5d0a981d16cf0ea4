// The head of the answer comes at once, its first bytes late.
import type { AnswerEdit, Step } from './answer-edit.ts';

export function slowFirstToken({ delayMs }: { delayMs: number }): AnswerEdit {
  let waited = false;
  const late = (bytes: Buffer): Step[] => {
    if (waited) return [{ send: bytes }];
    waited = true;
    return [{ waitMs: delayMs }, { send: bytes }];
  };
  return { frame: ({ bytes }) => late(bytes), body: late, touched: () => waited };
}
