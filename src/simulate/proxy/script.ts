// A counted script: which of the calls that a fault concerns fail, like "fail 1-2, pass 3".
import { Refusal } from './refusal.ts';

interface Rule {
  fails: boolean;
  from: number;
  to: number;
}

const pattern = /^(fail|pass)\s+(\d{1,9})(?:\s*(?:(\+)|[-–]\s*(\d{1,9})))?$/i;

/** Whether the n-th call (from 1) fails. What no rule names passes; the first rule that names it counts. Throws a Refusal (400). */
export function parseScript(script: string): (ordinal: number) => boolean {
  const rules = script.split(',').map((part): Rule => {
    const found = pattern.exec(part.trim());
    if (found === null) throw unreadable(script);
    const from = Number(found[2]);
    const to = found[3] === '+' ? Number.POSITIVE_INFINITY : Number(found[4] ?? from);
    if (from < 1 || to < from) throw unreadable(script);
    return { fails: found[1]?.toLowerCase() === 'fail', from, to };
  });
  return (ordinal) => rules.find(({ from, to }) => ordinal >= from && ordinal <= to)?.fails ?? false;
}

function unreadable(script: string): Refusal {
  return new Refusal(400, `script: "${script.slice(0, 100)}" is not like "fail 1-2, pass 3, fail 4+"`);
}
