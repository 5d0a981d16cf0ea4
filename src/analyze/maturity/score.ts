// The maturity of a conversation out of 10: what it shows and names, less what it leaves open. The formula is in docs/maturity.md.
import type { Confidence, FindingState, Severity } from '../../platform/documents/analysis.ts';

/** A conversation that does nothing right and nothing wrong. */
const base = 3.3;
/** What practices can add at most, and how fast they do. */
const reach = 6;
const pace = 4;

const credit = { shown: 1, named: 0.35 };
const minorCredit = 0.1;
const severityWeight: Readonly<Record<Severity, number>> = {
  critical: 1.8,
  high: 1.3,
  medium: 0.6,
  low: 0.25,
  info: 0,
};
const confidenceWeight: Readonly<Record<Confidence, number>> = { certain: 1, probable: 0.8, 'to-verify': 0.4 };
/** How much of a weakness remains, by what became of it. */
const stateWeight: Readonly<Record<FindingState, number>> = {
  introduced: 1,
  reintroduced: 1,
  discussed: 0.5,
  fixed: 0.4,
  mentioned: 0.25,
  potential: 0.25,
  example: 0,
};
/** A mentioned or potential weakness that the conversation already answers. */
const mitigatedWeight = 0.15;
/** A lesson names ten weaknesses and is not ten times worse: all that is only spoken of takes at most this. */
const mostForWords = 1.5;
/** An answer that was asked for again is not the one that was kept. */
const abandonedWeight = 0.25;

export interface Weighed {
  severity: Severity;
  confidence: Confidence;
  state: FindingState;
  mitigated: boolean;
  /** Findings of one family are one mistake made several times. */
  family: string;
  /** In a branch that the thread left. */
  abandoned: boolean;
}
export interface Practised {
  depth: 'shown' | 'named';
  minor: boolean;
}

/** 0 to 10, one decimal. */
export function score(findings: readonly Weighed[], practices: readonly Practised[]): number {
  const shown = practices.reduce((sum, practice) => sum + (practice.minor ? minorCredit : credit[practice.depth]), 0);
  const gained = reach * (1 - Math.exp(-shown / pace));
  const lost = sumOf(findings.filter((finding) => !isSpoken(finding)));
  const spoken = sumOf(findings.filter(isSpoken));
  const feared = mostForWords * (1 - Math.exp(-spoken / mostForWords));
  return Math.round(Math.min(10, Math.max(0, base + gained - lost - feared)) * 10) / 10;
}

/** Of one family the dearest counts whole, each further one less: mending any of them never costs. */
function sumOf(findings: readonly Weighed[]): number {
  const families = Map.groupBy(findings, ({ family }) => family);
  let sum = 0;
  for (const group of families.values()) {
    const costs = group.map(cost).sort((a, b) => b - a);
    costs.forEach((one, index) => {
      sum += one / (1 + index);
    });
  }
  return sum;
}

function isSpoken({ state }: Weighed): boolean {
  return state === 'mentioned' || state === 'potential';
}

/** What one finding takes away, before the bounds. */
export function cost(finding: Weighed): number {
  const { severity, confidence, state, mitigated, abandoned } = finding;
  const left = isSpoken(finding) && mitigated ? mitigatedWeight : stateWeight[state];
  return (
    severityWeight[severity] *
    (state === 'mentioned' ? 1 : confidenceWeight[confidence]) *
    left *
    (abandoned ? abandonedWeight : 1)
  );
}
