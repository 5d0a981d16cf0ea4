// The risk register and the three-phase plan, computed from the controls of the last scan by the rules that their files state.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Control, type Posture, postureSchema } from '../../../platform/documents/posture.ts';
import type { Plan, Risks } from '../../../platform/documents/posture-risks.ts';
import { postureRules } from './controls.ts';

const riskWords = z.strictObject({
  title: z.string(),
  description: z.string(),
  impact: z.string(),
  mitigation: z.string(),
});
const riskFile = z.array(
  z.strictObject({
    id: z.string(),
    likelihood: z.int().min(1).max(10),
    impact: z.int().min(1).max(10),
    controls: z.array(z.string()).min(1),
    en: riskWords,
    fr: riskWords,
  }),
);
const planFile = z.array(
  z.strictObject({
    id: z.string(),
    phase: z.int().min(1).max(3),
    controls: z.array(z.string()).optional(),
    /** A key of the configuration that has to be set. */
    setting: z.literal('alerts.webhook').optional(),
    en: z.string(),
    fr: z.string(),
  }),
);

/** The newest scan of this machine; undefined where there was none or it is of another version. */
export function readLastScan(data: string): Posture | undefined {
  try {
    return postureSchema.parse(JSON.parse(readFileSync(join(data, 'posture', 'last-scan.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

const mostTakenOff = 8;
export const riskRule =
  'before = likelihood × impact / 10; after = max(1, likelihood − 8 × controls met / controls) × impact / 10';

export function riskRegister(scan: Posture | undefined, lang: 'en' | 'fr'): Risks {
  const risks = read('risks.yaml', riskFile).map(({ id, likelihood, impact, controls, ...words }) => {
    const evidence = controls.map((control) => ({ control, state: stateOf(scan, control) }));
    const share = evidence.filter(({ state }) => state === 'met').length / controls.length;
    const left = Math.max(1, likelihood - mostTakenOff * share);
    const state = share === 1 ? ('mitigated' as const) : share === 0 ? ('open' as const) : ('partial' as const);
    return { id, ...words[lang], before: tenth(likelihood * impact), after: tenth(left * impact), state, evidence };
  });
  return {
    schema: 'rempart/risks@1',
    scan: scan?.time ?? null,
    rule: riskRule,
    risks: risks.toSorted((a, b) => b.after - a.after || b.before - a.before),
  };
}

function tenth(product: number): number {
  return Math.round(product) / 10;
}

function stateOf(scan: Posture | undefined, id: string): Control['state'] {
  return scan?.controls.find((control) => control.id === id)?.state ?? 'not-assessed';
}

const ticks = z.record(z.string(), z.strictObject({ time: z.string(), by: z.string() }));
type Ticks = z.output<typeof ticks>;

export interface PlanFacts {
  scan: Posture | undefined;
  ticks: Ticks;
  webhook: boolean;
}

export function hardeningPlan({ scan, ticks: ticked, webhook }: PlanFacts, lang: 'en' | 'fr'): Plan {
  const points = read('plan.yaml', planFile).map(
    ({ id, phase, controls, setting, ...words }): Plan['points'][number] => {
      const common = { id, phase, title: words[lang] };
      if (setting !== undefined) return { ...common, by: 'check', state: webhook ? 'done' : 'open', evidence: setting };
      if (controls !== undefined) {
        const states = controls.map((control) => stateOf(scan, control));
        const state = states.every((one) => one === 'met')
          ? 'done'
          : states.includes('failed')
            ? 'open'
            : 'not-assessed';
        return {
          ...common,
          by: 'check',
          state,
          evidence: controls.map((one, at) => `${one}: ${states[at]}`).join(', '),
        };
      }
      const tick = ticked[id];
      return {
        ...common,
        by: 'person',
        state: tick === undefined ? 'open' : 'done',
        evidence: tick === undefined ? '' : `${tick.by}, ${tick.time}`,
      };
    },
  );
  const done = points.filter(({ state }) => state === 'done').length;
  return { schema: 'rempart/plan@1', scan: scan?.time ?? null, done, total: points.length, points };
}

/** Points that a person may tick. */
export function tickable(): string[] {
  return read('plan.yaml', planFile)
    .filter(({ controls, setting }) => controls === undefined && setting === undefined)
    .map(({ id }) => id);
}

export function readTicks(data: string): Ticks {
  try {
    return ticks.parse(JSON.parse(readFileSync(join(data, 'posture', 'plan.json'), 'utf8')));
  } catch {
    return {};
  }
}

export function tick(data: string, id: string, tickedNow: { time: string; by: string }): void {
  mkdirSync(join(data, 'posture'), { recursive: true, mode: 0o700 });
  const all = { ...readTicks(data), [id]: tickedNow };
  writeFileSync(join(data, 'posture', 'plan.json'), `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
}

function read<T>(file: string, schema: z.ZodType<T>): T {
  return schema.parse(parse(readFileSync(join(postureRules, file), 'utf8')));
}
