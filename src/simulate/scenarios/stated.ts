// What only an operator could see, read from a file: it enters the evidence as stated and never changes a score.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import { nearest } from '../../platform/base/nearest.ts';
import { type ScenarioId, scenarioIds } from '../../platform/documents/simulation.ts';

export interface StatedObservation {
  scenario: ScenarioId;
  observation: string;
  value: string | number;
  scale: string | null;
}

const observation = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'a name of small letters, digits, dots and dashes'),
  value: z.union([z.string().min(1).max(2000), z.number(), z.boolean().transform(String)]),
  scale: z.string().max(200).optional(),
});
const statedFile = z.record(z.string(), z.array(observation).min(1).max(100));

/** Reads `{scenario: [{id, value, scale?}]}` from YAML or JSON. Throws ERR_OBSERVATIONS_INVALID. */
export function loadStated(file: string): StatedObservation[] {
  const complain = (what: string, cause?: unknown) =>
    new RempartError('ERR_OBSERVATIONS_INVALID', { file, what }, cause);
  let source: unknown;
  try {
    source = parse(readFileSync(file, 'utf8'), { maxAliasCount: 20 });
  } catch (error) {
    const [what = ''] = ((error as NodeJS.ErrnoException).code ?? (error as Error).message).split('\n');
    throw complain(what, error);
  }
  const parsed = statedFile.safeParse(source ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw complain(`${issue?.path.map(String).join('.') || '.'}: ${issue?.message ?? ''}`, parsed.error);
  }
  return Object.entries(parsed.data).flatMap(([scenario, observations]) => {
    if (!isScenario(scenario)) throw complain(`${scenario} (${nearest(scenario, scenarioIds)}?)`);
    return observations.map(({ id, value, scale }) => ({ scenario, observation: id, value, scale: scale ?? null }));
  });
}

function isScenario(name: string): name is ScenarioId {
  return (scenarioIds as string[]).includes(name);
}
