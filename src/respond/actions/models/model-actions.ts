// Actions on models: stopped, moved out of sight, restored from a clean copy, fetched anew, verified byte by byte.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { Deployment } from '../../../platform/documents/deployment.ts';
import { type Actuators, type ModelActuator, needed } from '../../actuators.ts';
import type { Action, ActionContext, Probe } from '../../engine/action.ts';
import { byRun } from '../access/restrain.ts';
import { toOut } from '../states/state-actions.ts';

export interface ModelActionsParts {
  actuators: Pick<Actuators, 'models' | 'services'>;
  deployment: Pick<Deployment, 'services'> | undefined;
}

const nothing = z.strictObject({});
const maybeModel = z.strictObject({ model: z.string().min(1).max(200).optional() });
type MaybeModel = z.output<typeof maybeModel>;

export function modelActions(parts: ModelActionsParts): Action[] {
  return [stop(parts), quarantine(parts), restore(parts), verify(parts), pull(parts)];
}

/** What is no longer there can do no harm, and what nobody vouched for yet may be somebody's new model. */
const notAltered = ['model-missing', 'model-unknown'];

/** What the store holds that is not as it was when somebody vouched for it. */
async function suspects(models: ModelActuator, signal: AbortSignal): Promise<string[]> {
  const { findings } = await models.verify(signal);
  const there = findings.filter(({ what }) => !notAltered.includes(what));
  return [...new Set(there.flatMap(({ model }) => (model === null ? [] : [model])))].sort();
}

function stop({ actuators, deployment }: ModelActionsParts): Action<z.output<typeof nothing>> {
  const name = 'models.stop';
  const services = () => needed(name, actuators.services);
  const ofModels = () => {
    const all = (deployment?.services ?? []).filter(({ role }) => role === 'model');
    if (all.length === 0) throw new RempartError('ERR_ACTION_UNAVAILABLE', { action: name });
    return all.toSorted((a, b) => b.order - a.order).map((service) => service.name);
  };
  return {
    name,
    class: 'contain',
    args: nothing,
    async plan() {
      const part = services();
      const running: string[] = [];
      for (const service of ofModels()) if ((await part.isRunning(service)) !== false) running.push(service);
      return {
        effects: running.map((target) => ({ target, change: 'stop', from: 'running', to: 'stopped' })),
        reversible: true,
        before: { running },
      };
    },
    async probe(_args, _context, { running }) {
      for (const service of running as string[]) {
        const is = await services().isRunning(service);
        if (is === undefined) return { state: 'unknown' };
        if (is) return { state: 'not-done' };
      }
      return { state: 'done', done: { evidence: { stopped: running ?? [] } } };
    },
    async act(_args, { signal }, { running }) {
      await services().stop(running as string[], signal);
      return { evidence: { stopped: running ?? [] } };
    },
    async undo(_args, { signal }, { running }) {
      await services().start((running as string[]).toReversed(), signal);
    },
  };
}

function quarantine({ actuators }: ModelActionsParts): Action<MaybeModel> {
  const name = 'models.quarantine';
  const models = () => needed(name, actuators.models);
  const factsOf = (context: ActionContext, at: unknown) => ({ by: byRun(context), at: Number(at) });
  return {
    name,
    class: 'contain',
    args: maybeModel,
    async plan({ model }, { signal, now }) {
      const { models: there, findings } = await models().verify(signal);
      const bad = await suspects(models(), signal);
      const chosen = model === undefined ? bad : [model];
      const unknown = chosen.find((one) => ![...there, ...bad].includes(one));
      if (unknown !== undefined)
        throw new RempartError('ERR_MODELS_UNKNOWN', { model: unknown, place: { key: 'models.place.store' } });
      const healthy = there.filter((one) => findings.every(({ model: about }) => about !== one));
      // One that was tampered with is no loss; the last one that answers rightly is.
      const [last] = healthy;
      if (last !== undefined && healthy.every((one) => chosen.includes(one)))
        throw new RempartError('ERR_MODEL_LAST', { model: last });
      return {
        effects: chosen.map((target) => ({ target, change: 'quarantine' })),
        reversible: true,
        before: { models: chosen, at: now() },
      };
    },
    async probe(_args, { signal }, before) {
      const { models: there } = await models().verify(signal);
      const bad = await suspects(models(), signal);
      const left = (before['models'] as string[]).some((one) => there.includes(one) || bad.includes(one));
      return left ? { state: 'not-done' } : { state: 'done', done: { evidence: { models: before['models'] ?? [] } } };
    },
    async act(_args, context, before) {
      const folders: string[] = [];
      const { models: there } = await models().verify(context.signal);
      const bad = await suspects(models(), context.signal);
      for (const model of before['models'] as string[]) {
        context.signal.throwIfAborted();
        // After a crash in the middle some have gone already.
        if (![...there, ...bad].includes(model)) continue;
        const { folder } = await models().quarantine(model, factsOf(context, before['at']));
        folders.push(folder);
      }
      return { evidence: { models: before['models'] ?? [], folders } };
    },
    async undo(_args, _context, before) {
      for (const model of (before['models'] as string[]).toReversed())
        await models().release(model, Number(before['at']));
    },
  };
}

/** What it writes was verified before and after; what it replaces is kept in the store's quarantine. */
function restore({ actuators }: ModelActionsParts): Action<MaybeModel> {
  const name = 'models.restore';
  const models = () => needed(name, actuators.models);
  return {
    name,
    class: 'restore',
    args: maybeModel,
    async plan({ model }, { signal, now }) {
      if (models().backup() === null) throw new RempartError('ERR_MODEL_NO_BACKUP');
      const chosen = await unhealthy(models(), model, signal);
      const effects = chosen.map((target) => ({ target, change: 'restore', to: 'clean copy' }));
      return { effects, reversible: false, before: { models: chosen, at: now() } };
    },
    probe: (_args, { signal }, before) => areHealthy(models(), before, signal),
    async act(_args, { signal }, before) {
      let files = 0;
      for (const model of before['models'] as string[]) {
        signal.throwIfAborted();
        files += (await models().restore(model, { at: Number(before['at']), signal })).files;
      }
      return { evidence: { models: before['models'] ?? [], files } };
    },
  };
}

function pull({ actuators }: ModelActionsParts): Action<MaybeModel> {
  const name = 'models.pull-pinned';
  const models = () => needed(name, actuators.models);
  return {
    name,
    class: 'restore',
    args: maybeModel,
    async plan({ model }, { signal }) {
      needed(name, models().pull);
      const chosen = await unhealthy(models(), model, signal);
      const effects = chosen.map((target) => ({ target, change: 'pull', to: 'as trusted' }));
      return { effects, reversible: false, before: { models: chosen } };
    },
    probe: (_args, { signal }, before) => areHealthy(models(), before, signal),
    async act(_args, { signal }, before) {
      const fetchModel = needed(name, models().pull);
      for (const model of before['models'] as string[]) await fetchModel(model, signal);
      // What the publisher serves under a name may have changed: only what the list vouches for is taken.
      const still = (await suspects(models(), signal)).find((one) => (before['models'] as string[]).includes(one));
      if (still !== undefined) throw new RempartError('ERR_MODEL_UNVERIFIED', { model: still });
      return { evidence: { models: before['models'] ?? [] } };
    },
  };
}

function verify({ actuators }: ModelActionsParts): Action<z.output<typeof nothing>> {
  const name = 'models.verify';
  const models = () => needed(name, actuators.models);
  return {
    name,
    class: 'observe',
    args: nothing,
    async plan() {
      models();
      return { effects: [{ target: 'models', change: 'read' }], reversible: true, before: {} };
    },
    probe: async () => ({ state: 'not-done' }),
    async act(_args, context) {
      const { ok, findings, models: there } = await models().verify(context.signal);
      const told = findings.slice(0, 100).map(({ what, model }) => `${what} ${model ?? ''}`.trim());
      return { ...toOut(context, String(ok)), evidence: { ok, models: [...there], findings: told } };
    },
  };
}

/** The named one, or each trusted one that is missing or not as it was. Throws ERR_MODELS_UNKNOWN. */
async function unhealthy(models: ModelActuator, model: string | undefined, signal: AbortSignal): Promise<string[]> {
  const trusted = models.trusted();
  if (model !== undefined) {
    if (!trusted.includes(model))
      throw new RempartError('ERR_MODELS_UNKNOWN', { model, place: { key: 'models.place.list' } });
    return [model];
  }
  const { models: there } = await models.verify(signal);
  const bad = await suspects(models, signal);
  return trusted.filter((one) => !there.includes(one) || bad.includes(one));
}

async function areHealthy(models: ModelActuator, before: JsonObject, signal: AbortSignal): Promise<Probe> {
  const { models: there } = await models.verify(signal);
  const bad = await suspects(models, signal);
  const good = (before['models'] as string[]).every((one) => there.includes(one) && !bad.includes(one));
  return good ? { state: 'done', done: { evidence: { models: before['models'] ?? [] } } } : { state: 'not-done' };
}
