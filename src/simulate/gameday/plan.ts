// The plan of a game day: which failures, when, and who plays which part.
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import { nearest } from '../../platform/base/nearest.ts';
import { type MethodId, type ScenarioId, scenarioIds } from '../../platform/documents/simulation.ts';
import { methodPlans } from '../scenarios/methods.ts';

const moment = z
  .string()
  .regex(/^\d+(s|m|h)$/, 'a moment after the beginning such as 0s, 20m or 1h')
  .transform((text) => {
    const units = { s: 1000, m: 60_000, h: 3_600_000 } as const;
    return Number.parseInt(text, 10) * units[text.at(-1) as keyof typeof units];
  });
const planSchema = z.strictObject({
  title: z.string().min(1),
  /** A target profile, from the plan's own folder. */
  target: z.string().min(1).optional(),
  pace: z.enum(['real', 'quick']).default('quick'),
  seed: z.number().int().min(0).default(1),
  roles: z.record(z.string(), z.string()).default({}),
  schedule: z
    .array(
      z.strictObject({
        at: moment,
        scenario: z.string(),
        methods: z.array(z.string()).default([]),
        /** What the participants are told when it begins. */
        brief: z.string().optional(),
      }),
    )
    .min(1),
});

export interface GameDayStep {
  atMs: number;
  scenario: ScenarioId;
  methods: MethodId[];
  brief: string | null;
}
export interface GameDayPlan {
  title: string;
  /** Absolute; null: the built-in chatbot. */
  target: string | null;
  pace: 'real' | 'quick';
  seed: number;
  roles: Record<string, string>;
  steps: GameDayStep[];
}

/** Throws ERR_GAMEDAY_INVALID. */
export function loadGameDay(file: string): GameDayPlan {
  const complain = (path: string, what: string, cause?: unknown) =>
    new RempartError('ERR_GAMEDAY_INVALID', { file: basename(file), path, what }, cause);
  let source: unknown;
  try {
    source = parse(readFileSync(file, 'utf8'), { maxAliasCount: 20 });
  } catch (error) {
    const [what = ''] = ((error as NodeJS.ErrnoException).code ?? (error as Error).message).split('\n');
    throw complain('.', what, error);
  }
  const parsed = planSchema.safeParse(source);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw complain(issue?.path.map(String).join('.') || '.', issue?.message ?? '', parsed.error);
  }
  const { title, target, pace, seed, roles, schedule } = parsed.data;
  const steps = schedule.map(({ at, scenario, methods, brief }, index): GameDayStep => {
    const path = `schedule.${index}`;
    if (!isScenario(scenario)) throw complain(`${path}.scenario`, `${scenario} (${nearest(scenario, scenarioIds)}?)`);
    const known = methodPlans.filter((plan) => plan.scenario === scenario).map((plan) => plan.method as string);
    const strange = methods.find((method) => !known.includes(method));
    if (strange !== undefined) throw complain(`${path}.methods`, `${strange} (${nearest(strange, known)}?)`);
    return { atMs: at, scenario, methods: methods as MethodId[], brief: brief ?? null };
  });
  const late = steps.findIndex((step, index) => index > 0 && step.atMs < steps[index - 1]!.atMs);
  if (late !== -1) throw complain(`schedule.${late}.at`, 'earlier than the step before');
  return {
    title,
    target: target === undefined ? null : resolve(dirname(file), target),
    pace,
    seed,
    roles,
    steps,
  };
}

function isScenario(name: string): name is ScenarioId {
  return (scenarioIds as string[]).includes(name);
}
