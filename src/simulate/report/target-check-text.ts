// The dry probe of a target as text: what works, what is missing and costs which checks, which methods cannot be had.
import type { TargetCheck } from '../scenarios/check-target.ts';
import { visible, type Words } from './text.ts';

const signs = { works: '✔', fails: '✖', untried: '…', missing: '–' } as const;

export function checkText({ target, findings, methods }: TargetCheck, { say, name }: Words): string {
  const width = Math.max(...findings.map(({ what }) => say(`report.target.${what}`).length));
  const lines = findings.map(({ what, state, detail }) => {
    const told = state === 'missing' ? name(`report.target.${what}.missing`, '') : visible(detail);
    return `${signs[state]} ${say(`report.target.${what}`).padEnd(width)}  ${say(`report.target.state.${state}`)}${told === '' ? '' : ` (${told})`}`;
  });
  const without = methods.filter(({ why }) => why !== null);
  const why = without.map(
    (one) =>
      `  ${say('report.outcome.because', { outcome: `${one.scenario} / ${name(`report.method.${one.method}`, one.method)}`, why: say(one.why ?? 'report.none') })}`,
  );
  const runnable = { count: methods.length - without.length, of: methods.length };
  return [
    say('report.target.title', { target: visible(target) }),
    '',
    ...lines,
    '',
    say(without.length === 0 ? 'report.target.methods.all' : 'report.target.methods', runnable),
    ...why,
    '',
  ].join('\n');
}
