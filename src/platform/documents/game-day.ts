// The document rempart/gameday@1: what was planned and what was played.
import { z } from 'zod';
import { type MethodId, methodIds, type ScenarioId, scenarioIds } from './simulation.ts';

const planned = {
  /** Milliseconds after the beginning. */
  atMs: z.number(),
  scenario: z.enum(scenarioIds as [ScenarioId, ...ScenarioId[]]),
  /** Empty: all of the scenario. */
  methods: z.array(z.enum(methodIds as [MethodId, ...MethodId[]])),
};

export const gameDaySchema = z.strictObject({
  schema: z.literal('rempart/gameday@1'),
  title: z.string(),
  roles: z.record(z.string(), z.string()),
  steps: z.array(
    z.discriminatedUnion('played', [
      z.strictObject({ ...planned, played: z.literal(false) }),
      z.strictObject({
        ...planned,
        played: z.literal(true),
        /** Of the step's own report, within the game day's folder. */
        dir: z.string(),
        startedAt: z.iso.datetime(),
        finishedAt: z.iso.datetime(),
        total: z.number().nullable(),
        restored: z.boolean(),
      }),
    ]),
  ),
});
export type GameDay = z.output<typeof gameDaySchema>;
