// What a rollback would do: the same choices on the same paths, with nothing written but scratch copies.
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RempartError } from '../../platform/base/errors.ts';
import type { RollbackDocument, RollbackStep } from '../../platform/documents/rollback.ts';
import { writeMinimal } from './minimal-state.ts';
import { type NamedState, pickStates, StateUnfit } from './named-state.ts';
import { compareOutlines, outlineOf } from './outline.ts';
import { planPrevious, previewPrevious } from './previous-source.ts';
import { type Decided, decide, type RestoreParts, stateProblem } from './restore-state.ts';
import type { RollbackOrder, RollbackParts } from './rollback.ts';
import { startOrder } from './services.ts';

const mostChanges = 100;

export async function foretell(
  parts: RollbackParts,
  { kind, target, by, before }: Omit<RollbackOrder, 'run'>,
): Promise<RollbackDocument> {
  const states = pickStates(parts.backups.states, kind === 'state' ? [target] : undefined);
  const steps: RollbackStep[] = [];
  const services = servicesOf(parts, states, kind);
  for (const service of services.toReversed()) steps.push(await serviceStep(parts, 'stop', service));
  const source = kind === 'system' ? await sourceOf(parts, steps) : null;
  const told = [];
  for (const state of states) told.push(await stateOf(parts, state, before, steps));
  for (const state of states) steps.push(step('validate', state.name));
  for (const { name } of kind === 'system' ? parts.checks : []) steps.push(step('check', name));
  for (const service of services) steps.push(await serviceStep(parts, 'start', service));
  if (kind === 'system')
    steps.push(step('heighten', 'monitoring', parts.heighten === undefined ? { state: 'unavailable' } : {}));
  const changing = steps.filter((one) => ['stop', 'restore', 'source'].includes(one.step) && one.state === 'planned');
  return {
    schema: 'rempart/rollback@1',
    run: null,
    kind,
    target,
    dryRun: true,
    state: 'planned',
    by,
    startedAt: new Date(parts.now()).toISOString(),
    endedAt: null,
    steps,
    states: told,
    source,
    undo: changing.toReversed().map((one) => ({ step: one.step === 'stop' ? 'start' : one.step, target: one.target })),
  };
}

export function step(
  name: RollbackStep['step'],
  target: string,
  more: Partial<Omit<RollbackStep, 'step' | 'target'>> = {},
): RollbackStep {
  return { step: name, target, state: 'planned', from: null, to: null, code: null, why: null, undo: false, ...more };
}

/** In the order of their start: all of the profile, or the owners of the states. */
export function servicesOf(parts: RollbackParts, states: readonly NamedState[], kind: 'state' | 'system'): string[] {
  const all = startOrder(parts.deployment);
  return kind === 'system' ? all : all.filter((name) => states.some(({ owner }) => owner === name));
}

async function serviceStep({ services }: RollbackParts, verb: 'stop' | 'start', target: string): Promise<RollbackStep> {
  const runs = await services?.isRunning(target).catch(() => undefined);
  if (runs === undefined) return step(verb, target, { state: 'unavailable' });
  const [from, to] = verb === 'stop' ? [runs ? 'running' : 'stopped', 'stopped'] : ['stopped', 'running'];
  return step(verb, target, { from, to, ...(verb === 'stop' && !runs ? { state: 'skipped' } : {}) });
}

async function sourceOf(parts: RollbackParts, steps: RollbackStep[]): Promise<RollbackDocument['source']> {
  try {
    const opened = await parts.source?.();
    if (opened === undefined) return null;
    const before = await planPrevious(opened);
    const changes = await previewPrevious(opened, before);
    const { root, head, target, branch } = before;
    steps.push(step('source', 'source', { from: head.slice(0, 12), to: target.slice(0, 12) }));
    const moreChanges = Math.max(0, changes.length - mostChanges);
    return { root, from: head, to: target, branch, changes: changes.slice(0, mostChanges), moreChanges };
  } catch (error) {
    if (!(error instanceof RempartError)) throw error;
    // No work tree is no fault; one that is in the middle of something is.
    const state = whyOf(error) === 'outside' ? 'skipped' : 'unavailable';
    steps.push(step('source', 'source', { state, code: error.code, why: whyOf(error) }));
    return null;
  }
}

/** The key of the phrase that an error is about. */
export function whyOf({ facts }: RempartError): string | null {
  const { what } = facts;
  return typeof what === 'object' ? what.key.replace(/^restore\.(why|git)\./, '') : null;
}

async function stateOf(
  parts: RollbackParts,
  state: NamedState,
  before: number | null,
  steps: RollbackStep[],
): Promise<RollbackDocument['states'][number]> {
  const was = await stateProblem(state, parts.backups.settings.limits);
  steps.push(step('evidence', state.name));
  let decided: Decided;
  try {
    decided = await decide(parts, state, before);
  } catch (error) {
    if (!(error instanceof RempartError)) throw error;
    steps.push(step('restore', state.name, { state: 'failed', from: was ?? 'valid', code: error.code }));
    const { skipped } = await parts.backups.choose(state, { before });
    return { ...about(state, was, { decision: null, takenAt: null, skipped }), changes: [], moreChanges: 0 };
  }
  const { decision } = decided;
  steps.push(
    step('restore', state.name, { from: was ?? 'valid', to: decision.kind === 'backup' ? decision.id : 'minimal' }),
  );
  const changes = await changesOf(parts, state, decided);
  const moreChanges = Math.max(0, changes.length - mostChanges);
  return { ...about(state, was, decided), changes: changes.slice(0, mostChanges), moreChanges };
}

export function about(
  { name, format }: NamedState,
  was: string | null,
  { decision, takenAt, skipped }: Omit<Decided, 'decision'> & { decision: Decided['decision'] | null },
): Omit<RollbackDocument['states'][number], 'changes' | 'moreChanges'> {
  return {
    state: name,
    format,
    was,
    decision: decision?.kind ?? 'none',
    backup: decision?.kind === 'backup' ? decision.id : null,
    takenAt: takenAt === null ? null : new Date(takenAt).toISOString(),
    skipped: skipped.map(({ id, why }) => ({ backup: id, why })),
  };
}

async function changesOf(parts: RestoreParts, state: NamedState, { decision }: Decided) {
  const { limits } = parts.backups.settings;
  const dir = join(parts.data, 'scratch', `foretell-${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  try {
    const draft = join(dir, 'state');
    if (decision.kind === 'minimal') await writeMinimal(state, decision.at, draft);
    else {
      const manifest = await parts.backups.find(state, decision.id);
      if (manifest !== null) await parts.backups.layOut(state, manifest, draft);
    }
    return compareOutlines(await outlineOf(state, limits, state.path), await outlineOf(state, limits, draft));
  } catch (error) {
    if (error instanceof StateUnfit) return [];
    throw error;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
