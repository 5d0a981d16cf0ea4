// The engine: takes runs that wait, carries them out, takes over those of nodes that died, and undoes what was done for a time only.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import { isAlreadyThere, type Store } from '../../platform/store/store.ts';
import { type Playbook, playbookSchema } from '../playbooks/playbook.ts';
import type { ReadPlaybook } from '../playbooks/read-playbook.ts';
import { fits } from '../playbooks/variables.ts';
import type { Actions } from './action.ts';
import type { Allowance } from './allowance.ts';
import { type HeldRun, type NewRun, RunInterrupted, type RunLog, type RunRecord, type Tasks } from './durable.ts';
import { type Interpreted, type InterpretParts, interpret } from './interpret.ts';
import type { PerformParts, PlannedStep, StepEvent } from './perform.ts';
import { begunActions, undoAction } from './put-back.ts';
import { createUndos } from './undos.ts';

export interface EngineParts {
  store: Pick<Store, 'db' | 'kind'>;
  runs: RunLog;
  tasks: Tasks;
  actions: Actions;
  allowance: Allowance;
  log: Log;
  now: () => number;
  /** Written in the journal before it resolves. */
  tell: (event: StepEvent) => Promise<void>;
  /** A run began or ended. */
  tellRun: (run: RunRecord, end?: Interpreted) => Promise<void>;
  /** By id, and by version where one is named. Throws ERR_PLAYBOOK_UNKNOWN. */
  findPlaybook: InterpretParts['findPlaybook'];
}

export interface EngineSettings {
  /** How long a node may be silent before another takes its runs over. */
  leaseMs: number;
  /** How often it looks for runs to take. */
  everyMs: number;
  /** Runs side by side on this node; those that wait for people count. */
  most: number;
  /** It takes no run before it is told to. */
  idle?: boolean;
}

export const defaultEngine: EngineSettings = { leaseMs: 5_000, everyMs: 1_000, most: 64 };

const firstUndoWaitMs = 1_000;
const longestUndoWaitMs = 300_000;

export interface StartRun {
  read: ReadPlaybook;
  text: string;
  incident: string | null;
  given?: Readonly<Record<string, string | null>>;
  requestedBy: string;
  /** The same id again is the same run. */
  id?: string;
}

export interface Engine {
  /** Takes runs from now on, unless it did so from the start. */
  work(): void;
  /** On disk when it resolves; carried out by whichever node takes it. */
  start(run: StartRun): Promise<RunRecord>;
  /** What it would do, on the same path, with nothing done. */
  foretell(run: StartRun): Promise<{ steps: PlannedStep[]; end: Interpreted }>;
  /** Undoes what a run did, newest first. Resolves to how many things were put back. */
  undo(id: string): Promise<number>;
  /** Resolves when the run has ended. */
  ended(id: string, signal: AbortSignal): Promise<RunRecord>;
  close(): Promise<void>;
}

export function createEngine(parts: EngineParts, settings: EngineSettings = defaultEngine): Engine {
  const { runs, log, now } = parts;
  // A process that starts again is another node: what the one before held is taken over once its lease is over.
  const node = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  const stop = new AbortController();
  const underWay = new Map<string, { held: HeldRun; carried: Promise<void> }>();
  const undos = createUndos(parts.store, now);
  const performing: PerformParts = { ...parts, scheduleUndo: undos.schedule };
  const failedUndos = new Map<string, { waitMs: number; againAt: number }>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let lookAgain = false;

  async function look(): Promise<void> {
    looking = true;
    lookAgain = false;
    try {
      while (underWay.size < settings.most && !stop.signal.aborted) {
        const held = await runs.claim(node, settings.leaseMs);
        if (held === null) break;
        const carried = carry(held).finally(() => underWay.delete(held.record.id));
        underWay.set(held.record.id, { held, carried });
      }
      for (const { run, key } of await undos.due()) await undoDue(run, key);
    } catch (error) {
      if (!isAway(error)) log.error({ err: error }, 'the engine could not look for runs');
    }
    looking = false;
    if (!stop.signal.aborted) timer = setTimeout(() => void look(), lookAgain ? 0 : settings.everyMs);
  }

  /** What is started here begins at once; what others started, or left behind, is found by looking now and then. */
  function hurry(): void {
    if (looking) lookAgain = true;
    else if (timer !== undefined && !stop.signal.aborted) {
      clearTimeout(timer);
      timer = setTimeout(() => void look(), 0);
    }
  }

  async function carry(held: HeldRun): Promise<void> {
    const cancelled = new AbortController();
    const beat = setInterval(() => {
      runs.renew(held, settings.leaseMs).then(
        (isOurs) => isOurs || cancelled.abort(new RunInterrupted('the run was cancelled, or is held elsewhere')),
        // The lease may run out meanwhile: then what is remembered next says so.
        () => undefined,
      );
    }, settings.leaseMs / 3);
    const signal = AbortSignal.any([stop.signal, cancelled.signal]);
    try {
      if (held.record.epoch === 1) await parts.tellRun(held.record);
      const playbook = playbookSchema.parse(JSON.parse(held.record.playbookText));
      const end = await interpret(
        { ...performing, findPlaybook: parts.findPlaybook },
        held,
        playbook,
        signal,
        async (keys) => {
          await undoAll(held, keys);
        },
      );
      if (await runs.end(held, end.state, end.code))
        await parts.tellRun({ ...held.record, state: end.state, code: end.code }, end);
    } catch (error) {
      if (stop.signal.aborted) await runs.release(held).catch(() => undefined);
      else if (!(error instanceof RunInterrupted) && !isAway(error))
        log.error({ err: error }, 'a run met an unexpected error');
    } finally {
      clearInterval(beat);
    }
  }

  /** What cannot be put back is told by its event; the others are put back all the same. */
  async function undoAll(held: HeldRun, keys: readonly string[]): Promise<number> {
    let undone = 0;
    for (const key of keys)
      try {
        if (await undoAction(performing, held, key, stop.signal)) undone++;
      } catch (error) {
        if (!(error instanceof RempartError)) throw error;
      }
    return undone;
  }

  /** With a run that is over, or that this node is carrying out. Null while another node has it. */
  async function withRun<T>(id: string, work: (held: HeldRun) => Promise<T>): Promise<T | null> {
    const before = await runs.find(id);
    if (before === null) throw new RempartError('ERR_RUN_UNKNOWN', { run: id });
    const { state, code } = before;
    const here = underWay.get(id);
    const isActive = state === 'waiting' || state === 'running';
    if (isActive) return here === undefined ? null : work(here.held);
    // Its end is on disk and still being told: what was held is no longer.
    await here?.carried;
    const held = await runs.take(id, node, settings.leaseMs);
    if (held === null) return null;
    try {
      return await work(held);
    } finally {
      await runs.end(held, state, code);
    }
  }

  /** What cannot be undone is tried again ever more slowly, until it is. */
  async function undoDue(run: string, key: string): Promise<void> {
    const name = `${run} ${key}`;
    const before = failedUndos.get(name);
    if (before !== undefined && now() < before.againAt) return;
    try {
      const result = await withRun(run, (held) => undoAction(performing, held, key, stop.signal));
      if (result === null) return;
      await undos.done(run, key);
      failedUndos.delete(name);
    } catch (error) {
      if (isAway(error) || error instanceof RunInterrupted) return;
      const waitMs = Math.min(longestUndoWaitMs, (before?.waitMs ?? firstUndoWaitMs / 2) * 2);
      failedUndos.set(name, { waitMs, againAt: now() + waitMs });
      log.error(
        { err: error, run, againInMs: waitMs },
        'what was done for a time could not be undone and is tried again',
      );
    }
  }

  function work(): void {
    if (timer === undefined && !stop.signal.aborted) timer = setTimeout(() => void look(), 0);
  }
  if (settings.idle !== true) work();

  return {
    work,
    async start({ read, text, incident, given = {}, requestedBy, id }) {
      checkGiven(read.playbook, given);
      const errors = read.problems.filter(({ severity }) => severity === 'error');
      if (errors.length > 0)
        throw new RempartError('ERR_PLAYBOOK_INVALID', { name: read.playbook.name, count: errors.length });
      const known = id === undefined ? null : await runs.find(id);
      if (known !== null) return known;
      const run = newRun({ read, text, incident, given, requestedBy, id: id ?? `run_${randomUUID()}` });
      try {
        const created = await runs.create(run);
        hurry();
        return created;
      } catch (error) {
        // Another node started it at the same moment.
        if (!isAlreadyThere(error)) throw error;
        return (await runs.find(run.id))!;
      }
    },
    async foretell({ read, text, incident, given = {}, requestedBy }) {
      checkGiven(read.playbook, given);
      const steps: PlannedStep[] = [];
      const held = imagined(newRun({ read, text, incident, given, requestedBy, id: 'dry-run' }), now());
      const dry = {
        ...performing,
        findPlaybook: parts.findPlaybook,
        dryRun: (planned: PlannedStep) => steps.push(planned),
      };
      const end = await interpret(dry, held, read.playbook, stop.signal, async () => undefined);
      return { steps, end };
    },
    async undo(id) {
      const count = await withRun(id, (held) => undoAll(held, begunActions(held)));
      if (count === null) throw new RempartError('ERR_RUN_BUSY', { run: id });
      return count;
    },
    async ended(id, signal) {
      for (;;) {
        const record = await runs.find(id);
        if (record === null) throw new RempartError('ERR_RUN_UNKNOWN', { run: id });
        if (record.state !== 'waiting' && record.state !== 'running') return record;
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async close() {
      stop.abort(new RunInterrupted('the engine stops'));
      clearTimeout(timer);
      await Promise.allSettled([...underWay.values()].map(({ carried }) => carried));
    },
  };
}

function isAway(error: unknown): boolean {
  return error instanceof RempartError && error.code === 'ERR_STORE_AWAY';
}

function checkGiven({ playbook_variables: declared }: Playbook, given: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(given)) {
    const variable = declared[name];
    if (variable?.external !== true || (value !== null && !fits(variable.type, value)))
      throw new RempartError('ERR_PLAYBOOK_VARIABLE', { name });
  }
}

function newRun({ read, text, incident, given = {}, requestedBy, id }: StartRun & { id: string }): NewRun {
  const { playbook, hash } = read;
  return {
    id,
    playbook: playbook.id,
    playbookName: playbook.name,
    playbookHash: hash,
    playbookText: text,
    incident,
    given,
    requestedBy,
  };
}

/** A run that is kept nowhere. */
function imagined(run: NewRun, now: number): HeldRun {
  const memory = new Map<string, Json>();
  return {
    record: { ...run, state: 'running', code: null, node: null, epoch: 1, createdAt: now, endedAt: null },
    recall: (key) => memory.get(key),
    remember: async (key, value) => void memory.set(key, value),
    memory: () => [...memory].map(([key, value]) => ({ key, value, at: now })),
  };
}
