// Rollback of one state or of the whole system: what is there is kept, what runs is stopped, the earlier state is put back, checked, and started again.
import { RempartError } from '../../platform/base/errors.ts';
import type { Deployment } from '../../platform/documents/deployment.ts';
import type { RollbackDocument, RollbackStep } from '../../platform/documents/rollback.ts';
import type { ServiceActuator } from '../actuators.ts';
import { foretell } from './foretell.ts';
import type { PreviousSourceParts } from './previous-source.ts';
import type { RestoreParts } from './restore-state.ts';
import { rollBack } from './roll-back.ts';
import { listRuns, type RunRecord, readRun } from './run-record.ts';
import { takeBack } from './take-back.ts';

export interface RollbackParts extends RestoreParts {
  deployment: Pick<Deployment, 'services'>;
  /** Without it services go on, and that is said. */
  services?: ServiceActuator;
  /** Of a system's rollback; throws ERR_SOURCE_UNUSABLE where there is no work tree. */
  source?: () => Promise<PreviousSourceParts>;
  /** What else must be right before anything is started: the profile itself, models. Undefined: there is nothing to check. */
  checks: readonly { name: string; run: (signal: AbortSignal) => Promise<boolean | undefined> }[];
  /** After a system's rollback. */
  heighten?: (by: string) => Promise<void>;
  /** In the journal before it resolves. */
  tell: (event: { run: string; by: string; step: RollbackStep; time: number }) => Promise<void>;
}

export interface RollbackOrder {
  kind: 'state' | 'system';
  /** The state's name, or `system`. */
  target: string;
  run: string;
  by: string;
  /** Backups from then on are not trusted; null when nobody knows when it began. */
  before: number | null;
}

export interface Rollback {
  /** Changes nothing. Throws ERR_STATE_UNKNOWN. */
  foretell(order: Omit<RollbackOrder, 'run'>): Promise<RollbackDocument>;
  /** Never rejects for a step that failed: the document says so. */
  run(order: RollbackOrder, signal: AbortSignal): Promise<RollbackDocument>;
  /** Throws ERR_ROLLBACK_UNKNOWN. */
  undo(run: string, by: string, signal: AbortSignal): Promise<RollbackDocument>;
  runs(): RunRecord[];
}

export function createRollback(parts: RollbackParts): Rollback {
  let busy = false;
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    if (busy) throw new RempartError('ERR_ROLLBACK_BUSY');
    busy = true;
    try {
      return await work();
    } finally {
      busy = false;
    }
  }
  return {
    foretell: (order) => foretell(parts, order),
    run: (order, signal) => alone(async () => documentOf(await rollBack(parts, order, signal))),
    undo: (run, by, signal) =>
      alone(async () => documentOf(await takeBack(parts, readRun(parts.data, run), by, signal))),
    runs: () => listRuns(parts.data),
  };
}

export function documentOf({ decisions: _decisions, stopped: _stopped, ...record }: RunRecord): RollbackDocument {
  const done = record.steps.filter(({ undo, state }) => !undo && state === 'done').toReversed();
  const changing = done.filter(({ step }) => ['stop', 'restore', 'source'].includes(step));
  const words: Readonly<Record<string, string>> = { stop: 'start' };
  return {
    ...record,
    schema: 'rempart/rollback@1',
    dryRun: false,
    undo: record.state === 'undone' ? [] : changing.map(({ step, target }) => ({ step: words[step] ?? step, target })),
  };
}
