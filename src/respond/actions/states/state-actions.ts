// Actions on named states: backed up, kept as evidence, put back, validated.
import { z } from 'zod';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { Action, ActionContext, Done } from '../../engine/action.ts';
import { type NamedState, pickStates } from '../../rollback/named-state.ts';
import type { Decision, RestoreParts } from '../../rollback/restore-state.ts';
import {
  decide,
  evidenceBefore,
  keepState,
  restoredBefore,
  restoreState,
  stateProblem,
  undoRestore,
} from '../../rollback/restore-state.ts';

export interface StateActionsParts extends RestoreParts {
  /** When the incident first showed; null when nobody knows. */
  firstEvidence: (incident: string) => Promise<number | null>;
}

const some = z.strictObject({ states: z.array(z.string()).min(1).optional() });
const oneOrSome = z
  .strictObject({
    state: z.string().optional(),
    states: z.array(z.string()).min(1).optional(),
    /** Only those that are not valid now: what is good is worth more than what was. */
    damaged: z.boolean().optional(),
  })
  .refine(({ state, states }) => state === undefined || states === undefined, 'names states twice');

export const toOut = ({ outArgs }: Pick<ActionContext, 'outArgs'>, value: string): Pick<Done, 'out'> => {
  const [first] = outArgs;
  return first === undefined ? {} : { out: { [first]: value } };
};

export function stateActions(parts: StateActionsParts): Action[] {
  const { backups } = parts;
  const picked = (names: readonly string[] | undefined) => pickStates(backups.states, names);
  return [backup(parts, picked), keepEvidence(parts, picked), restore(parts), validate(parts, picked)];
}

type Picked = (names: readonly string[] | undefined) => NamedState[];

/** A second backup harms nobody, so whether it happened already is not asked. */
function backup({ backups }: StateActionsParts, picked: Picked): Action<z.output<typeof some>> {
  return {
    name: 'states.backup',
    class: 'observe',
    args: some,
    plan: async ({ states }) => ({
      effects: picked(states).map(({ name }) => ({ target: name, change: 'back-up' })),
      reversible: true,
      before: {},
    }),
    probe: async () => ({ state: 'not-done' }),
    async act({ states }, context) {
      const taken: JsonObject = {};
      for (const state of picked(states)) {
        context.signal.throwIfAborted();
        const result = await backups.take(state, 'before-step');
        taken[state.name] =
          result.kind === 'taken'
            ? { backup: result.manifest.id, digest: result.manifest.digest }
            : { skipped: result.why };
      }
      return { evidence: { states: taken } };
    },
  };
}

function keepEvidence(parts: StateActionsParts, picked: Picked): Action<z.output<typeof some>> {
  const facts = (states: readonly NamedState[], key: string): JsonObject =>
    Object.fromEntries(
      states.map((state) => {
        const kept = evidenceBefore(parts, state, key);
        return [state.name, { kind: kept?.kind ?? 'none', found: kept?.found ?? null, files: kept?.files.length ?? 0 }];
      }),
    );
  return {
    name: 'states.keep-evidence',
    class: 'observe',
    args: some,
    plan: async ({ states }) => ({
      effects: picked(states).map(({ name }) => ({ target: name, change: 'copy' })),
      reversible: true,
      before: {},
    }),
    async probe({ states }, { idempotencyKey }) {
      const all = picked(states);
      const done = all.every((state) => evidenceBefore(parts, state, idempotencyKey) !== undefined);
      return done
        ? { state: 'done', done: { evidence: { states: facts(all, idempotencyKey) } } }
        : { state: 'not-done' };
    },
    async act({ states }, { idempotencyKey, incident, signal }) {
      const all = picked(states);
      for (const state of all) {
        signal.throwIfAborted();
        await keepState(parts, state, { key: idempotencyKey, incident, mayMove: false });
      }
      return { evidence: { states: facts(all, idempotencyKey) } };
    },
  };
}

function restore(parts: StateActionsParts): Action<z.output<typeof oneOrSome>> {
  const { backups } = parts;
  const { limits } = backups.settings;
  const decidedIn = ({ decisions }: JsonObject) => decisions as unknown as Readonly<Record<string, Decision>>;
  const statesIn = (before: JsonObject) => pickStates(backups.states, Object.keys(decidedIn(before)));
  const resultOf = (before: JsonObject, context: ActionContext): Done | undefined => {
    const all = statesIn(before).map((state) => restoredBefore(parts, state, context.idempotencyKey));
    if (all.some((one) => one === undefined)) return undefined;
    const minimal = all.some((one) => one?.decision === 'minimal');
    const facts = all.flatMap((one) => (one === undefined ? [] : [[one.state, { ...one }] as const]));
    const decision = all.length === 0 ? 'none' : minimal ? 'minimal' : 'backup';
    return { ...toOut(context, decision), evidence: { states: Object.fromEntries(facts) } };
  };
  return {
    name: 'states.restore',
    class: 'restore',
    args: oneOrSome,
    async plan({ state: one, states, damaged }, { incident }) {
      const before = incident === null ? null : await parts.firstEvidence(incident);
      const decisions: JsonObject = {};
      const effects = [];
      for (const state of pickStates(backups.states, one === undefined ? states : [one])) {
        const was = await stateProblem(state, limits);
        if (damaged === true && was === null) continue;
        const { decision, takenAt } = await decide(parts, state, before);
        decisions[state.name] = { ...decision };
        const to = takenAt === null ? 'minimal' : `backup ${new Date(takenAt).toISOString()}`;
        effects.push({ target: state.name, change: 'overwrite', from: was ?? 'valid', to });
      }
      return { effects, reversible: true, before: { decisions } };
    },
    async probe(_args, context, before) {
      const done = resultOf(before, context);
      return done === undefined ? { state: 'not-done' } : { state: 'done', done };
    },
    async act(_args, context, before) {
      let failure: unknown;
      for (const state of statesIn(before)) {
        context.signal.throwIfAborted();
        const decision = decidedIn(before)[state.name];
        if (decision === undefined) continue;
        const { idempotencyKey: key, incident } = context;
        // One that cannot be put back keeps none of the others from it.
        await restoreState(parts, state, decision, { key, incident }).catch((error: unknown) => {
          failure ??= error;
        });
      }
      if (failure !== undefined) throw failure;
      return resultOf(before, context) ?? {};
    },
    async undo(_args, { idempotencyKey: key, incident }, before) {
      for (const state of statesIn(before).toReversed()) await undoRestore(parts, state, { key, incident });
    },
  };
}

function validate({ backups }: StateActionsParts, picked: Picked): Action<z.output<typeof some>> {
  return {
    name: 'states.validate',
    class: 'observe',
    args: some,
    plan: async ({ states }) => ({
      effects: picked(states).map(({ name }) => ({ target: name, change: 'read' })),
      reversible: true,
      before: {},
    }),
    probe: async () => ({ state: 'not-done' }),
    async act({ states }, context) {
      const found: Record<string, string> = {};
      for (const state of picked(states)) {
        context.signal.throwIfAborted();
        found[state.name] = (await stateProblem(state, backups.settings.limits)) ?? 'valid';
      }
      const good = Object.values(found).every((what) => what === 'valid');
      return { ...toOut(context, String(good)), evidence: { states: found } };
    },
  };
}
