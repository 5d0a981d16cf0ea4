// Carries a rollback out, step by step, each on disk before it begins and after it ended.
import { RempartError } from '../../platform/base/errors.ts';
import type { RollbackStep } from '../../platform/documents/rollback.ts';
import { about, servicesOf, step, whyOf } from './foretell.ts';
import { type NamedState, pickStates } from './named-state.ts';
import { goPrevious, planPrevious } from './previous-source.ts';
import { decide, keepState, restoreState, stateProblem } from './restore-state.ts';
import type { RollbackOrder, RollbackParts } from './rollback.ts';
import { type RunRecord, writeRun } from './run-record.ts';

/** What came of a step; thrown errors of the catalogue are failures. */
type Came = Partial<Pick<RollbackStep, 'state' | 'from' | 'to' | 'code' | 'why'>>;

export interface Steps {
  record: RunRecord;
  /** True when it did what it should. */
  take(name: RollbackStep['step'], target: string, work: () => Promise<Came | undefined>): Promise<boolean>;
}

/** Throws ERR_STATE_UNKNOWN before anything is done. */
export async function rollBack(parts: RollbackParts, order: RollbackOrder, signal: AbortSignal): Promise<RunRecord> {
  const { kind, target } = order;
  const states = pickStates(parts.backups.states, kind === 'state' ? [target] : undefined);
  const steps = beginSteps(parts, newRecord(parts, order), order.by, false);
  const services = servicesOf(parts, states, kind);
  for (const state of states) await decideOn(parts, steps, state, order.before);
  for (const service of services.toReversed()) await stopService(parts, steps, service, signal);
  for (const state of states) await keepEvidence(parts, steps, state);
  if (kind === 'system') await takeSourceBack(parts, steps);
  for (const state of states) await restore(parts, steps, state);
  let valid = true;
  for (const state of states) valid = (await validate(parts, steps, state)) && valid;
  for (const check of kind === 'system' ? parts.checks : [])
    valid = (await steps.take('check', check.name, () => runCheck(check, signal))) && valid;
  for (const service of services) await startService(parts, steps, service, { valid, kind, signal });
  if (kind === 'system')
    await steps.take('heighten', 'monitoring', async () => {
      if (parts.heighten === undefined) return { state: 'unavailable' };
      await parts.heighten(order.by);
      return {};
    });
  const { record } = steps;
  record.state = endOf(record.steps);
  record.endedAt = new Date(parts.now()).toISOString();
  writeRun(parts.data, record);
  return record;
}

export function endOf(steps: readonly RollbackStep[]): 'done' | 'failed' | 'incomplete' {
  if (steps.some(({ state }) => state === 'failed')) return 'failed';
  return steps.some(({ state, step: name }) => state === 'unavailable' && name !== 'heighten') ? 'incomplete' : 'done';
}

function newRecord({ now, data }: RollbackParts, { run, kind, target, by }: RollbackOrder): RunRecord {
  const record: RunRecord = {
    schema: 'rempart/rollback-run@1',
    run,
    kind,
    target,
    state: 'running',
    by,
    startedAt: new Date(now()).toISOString(),
    endedAt: null,
    steps: [],
    states: [],
    source: null,
    decisions: {},
    stopped: [],
  };
  writeRun(data, record);
  return record;
}

export function beginSteps(parts: RollbackParts, record: RunRecord, by: string, undo: boolean): Steps {
  return {
    record,
    async take(name, target, work) {
      const taken = step(name, target, { state: 'running', undo });
      record.steps.push(taken);
      writeRun(parts.data, record);
      try {
        Object.assign(taken, { state: 'done' }, await work());
      } catch (error) {
        if (!(error instanceof RempartError)) throw error;
        Object.assign(taken, { state: 'failed', code: error.code, why: whyOf(error) });
      }
      writeRun(parts.data, record);
      await parts.tell({ run: record.run, by, step: { ...taken }, time: parts.now() });
      return taken.state === 'done' || taken.state === 'skipped';
    },
  };
}

/** Chosen before anything is touched: what is evidence by then is no reason to choose otherwise. */
async function decideOn(parts: RollbackParts, { record }: Steps, state: NamedState, before: number | null) {
  const was = await stateProblem(state, parts.backups.settings.limits);
  const none = { decision: null, takenAt: null, skipped: [] };
  const decided = await decide(parts, state, before).catch(async (error: unknown) => {
    if (!(error instanceof RempartError)) throw error;
    return { ...none, skipped: (await parts.backups.choose(state, { before })).skipped };
  });
  record.states.push({ ...about(state, was, decided), changes: [], moreChanges: 0 });
  if (decided.decision !== null) record.decisions[state.name] = decided.decision;
}

export function stopService(parts: RollbackParts, steps: Steps, service: string, signal: AbortSignal) {
  return steps.take('stop', service, async () => {
    const runs = await parts.services?.isRunning(service).catch(unavailable);
    if (runs === undefined || parts.services === undefined) return { state: 'unavailable' };
    if (!runs) return { state: 'skipped', from: 'stopped', to: 'stopped' };
    // On disk first: after a crash undo knows what to start.
    steps.record.stopped.push(service);
    writeRun(parts.data, steps.record);
    await parts.services.stop([service], signal);
    return { from: 'running', to: 'stopped' };
  });
}

const unavailable = (error: unknown) => {
  if (error instanceof RempartError) return undefined;
  throw error;
};

function keepEvidence(parts: RollbackParts, steps: Steps, state: NamedState) {
  return steps.take('evidence', state.name, async () => {
    // Without anything to put in its place it stays where it is.
    const mayMove = steps.record.decisions[state.name] !== undefined;
    const kept = await keepState(parts, state, { key: steps.record.run, incident: null, mayMove });
    return { from: kept.found ?? 'valid', to: kept.kind };
  });
}

function takeSourceBack(parts: RollbackParts, steps: Steps) {
  const { record } = steps;
  return steps.take('source', 'source', async () => {
    if (parts.source === undefined) return { state: 'skipped' };
    try {
      const opened = await parts.source();
      const before = await planPrevious(opened);
      const { root, head, target, branch } = before;
      record.source = { root, from: head, to: target, branch, changes: [], moreChanges: 0 };
      writeRun(parts.data, record);
      await goPrevious(opened, before, record.run);
      return { from: head.slice(0, 12), to: target.slice(0, 12) };
    } catch (error) {
      if (!(error instanceof RempartError) || record.source !== null) throw error;
      // No work tree is no fault; one that is in the middle of something is.
      const state = whyOf(error) === 'outside' ? ('skipped' as const) : ('unavailable' as const);
      return { state, code: error.code, why: whyOf(error) };
    }
  });
}

function restore(parts: RollbackParts, steps: Steps, state: NamedState) {
  return steps.take('restore', state.name, async () => {
    const { record } = steps;
    const decision = record.decisions[state.name];
    if (decision === undefined) throw new RempartError('ERR_STATE_NO_BACKUP', { state: state.name });
    const done = await restoreState(parts, state, decision, { key: record.run, incident: null });
    return { from: done.was ?? 'valid', to: done.backup ?? 'minimal' };
  });
}

function validate(parts: RollbackParts, steps: Steps, state: NamedState) {
  return steps.take('validate', state.name, async () => {
    const wrong = await stateProblem(state, parts.backups.settings.limits);
    return wrong === null ? {} : { state: 'failed', code: 'ERR_STATE_INVALID', why: wrong };
  });
}

async function runCheck({ run }: RollbackParts['checks'][number], signal: AbortSignal): Promise<Came> {
  const good = await run(signal);
  if (good === undefined) return { state: 'skipped' };
  return good ? {} : { state: 'failed' };
}

/** Nothing is started upon a state that is not valid. After a rollback of one state only what had been running is. */
function startService(
  parts: RollbackParts,
  steps: Steps,
  service: string,
  { valid, kind, signal }: { valid: boolean; kind: 'state' | 'system'; signal: AbortSignal },
) {
  return steps.take('start', service, async () => {
    if (!valid) return { state: 'skipped', why: 'invalid' };
    const runs = await parts.services?.isRunning(service).catch(unavailable);
    if (runs === undefined || parts.services === undefined) return { state: 'unavailable' };
    if (runs || (kind === 'state' && !steps.record.stopped.includes(service))) return { state: 'skipped' };
    await parts.services.start([service], signal);
    return { from: 'stopped', to: 'running' };
  });
}
