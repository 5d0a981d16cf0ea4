// Undoes a rollback: states, work tree and services as they were before it, the last thing done first.
import { RempartError } from '../../platform/base/errors.ts';
import { pickStates } from './named-state.ts';
import { type SourceBefore, undoPrevious } from './previous-source.ts';
import { undoRestore } from './restore-state.ts';
import { beginSteps, endOf, stopService } from './roll-back.ts';
import type { RollbackParts } from './rollback.ts';
import { type RunRecord, writeRun } from './run-record.ts';
import { startOrder } from './services.ts';

export async function takeBack(
  parts: RollbackParts,
  record: RunRecord,
  by: string,
  signal: AbortSignal,
): Promise<RunRecord> {
  // Whoever asks twice gets the same answer, and nothing is stopped again.
  if (record.state === 'undone') return record;
  const stopped = [...record.stopped];
  const steps = beginSteps(parts, record, by, true);
  const touched = startOrder(parts.deployment).filter((name) =>
    record.steps.some(({ step, target, state }) => step === 'start' && target === name && state === 'done'),
  );
  for (const service of touched.toReversed()) await stopService(parts, steps, service, signal);
  const known = new Set(parts.backups.states.map(({ name }) => name));
  const names = Object.keys(record.decisions).filter((name) => known.has(name));
  for (const state of names.length === 0 ? [] : pickStates(parts.backups.states, names).toReversed())
    await steps.take('restore', state.name, async () => {
      const undone = await undoRestore(parts, state, { key: record.run, incident: null });
      return undone ? { to: 'before' } : { state: 'skipped' };
    });
  const { source } = record;
  if (source !== null)
    await steps.take('source', 'source', async () => {
      if (parts.source === undefined)
        throw new RempartError('ERR_SOURCE_UNUSABLE', { what: { key: 'restore.git.outside' } });
      const { root, from: head, to: target, branch } = source;
      const before: SourceBefore = { root, head, target, branch };
      const undone = await undoPrevious(await parts.source(), before, record.run);
      return undone ? { from: target.slice(0, 12), to: head.slice(0, 12) } : { state: 'skipped' };
    });
  for (const service of startOrder(parts.deployment).filter((name) => stopped.includes(name)))
    await steps.take('start', service, async () => {
      if (parts.services === undefined) return { state: 'unavailable' };
      await parts.services.start([service], signal);
      return { from: 'stopped', to: 'running' };
    });
  const mine = record.steps.filter(({ undo }) => undo);
  const end = endOf(mine);
  record.stopped = stopped;
  record.state = end === 'failed' ? 'failed' : 'undone';
  record.endedAt = new Date(parts.now()).toISOString();
  writeRun(parts.data, record);
  return record;
}
