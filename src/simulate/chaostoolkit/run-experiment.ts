// An experiment carried out: hypothesis, method, hypothesis again, rollbacks whatever happened; the journal on disk after each activity.
import { writeFileSync } from 'node:fs';
import { hostname, platform, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../platform/base/json.ts';
import { type ActParts, carryOut } from './activity.ts';
import { type Activity, type Experiment, readExperiment } from './experiment.ts';
import { isWithin } from './tolerance.ts';
import type { Variables } from './variables.ts';

interface Entry {
  activity: Json;
  status: 'succeeded' | 'failed';
  start: string;
  end: string;
  duration: number;
  output: Json;
  exception?: string[];
  tolerance_met?: boolean;
}
interface SteadyState {
  steady_state_met: boolean;
  probes: Entry[];
}
export interface ChaosJournal {
  'chaoslib-version': string;
  platform: string;
  node: string;
  experiment: Json;
  start: string;
  end: string;
  duration: number;
  /** failed: the hypothesis did not hold before anything was done, so nothing was done. */
  status: 'completed' | 'failed' | 'interrupted';
  /** The hypothesis held before the method and not after it. */
  deviated: boolean;
  steady_states: { before: SteadyState | null; after: SteadyState | null; during: SteadyState[] };
  run: Entry[];
  rollbacks: Entry[];
}

export interface ExperimentParts extends Omit<ActParts, 'timeoutMs'> {
  variables: Variables;
  journalFile: string;
  version: string;
  onActivity: (part: 'hypothesis' | 'method' | 'rollbacks', name: string) => void;
}

/** Rollbacks are not to be waited for for ever, and nothing else is either. */
const timeoutMs = 120_000;

export async function runExperiment(experiment: Experiment, parts: ExperimentParts): Promise<ChaosJournal> {
  const { variables, signal } = parts;
  const started = Date.now();
  const journal: ChaosJournal = {
    'chaoslib-version': `rempart ${parts.version}`,
    platform: `${platform()}-${release()}`,
    node: hostname(),
    experiment: variables.hide(experiment.source),
    start: new Date(started).toISOString(),
    end: new Date(started).toISOString(),
    duration: 0,
    status: 'completed',
    deviated: false,
    steady_states: { before: null, after: null, during: [] },
    run: [],
    rollbacks: [],
  };
  const save = () => {
    journal.end = new Date().toISOString();
    journal.duration = (Date.now() - started) / 1000;
    writeFileSync(parts.journalFile, `${JSON.stringify(journal, null, 2)}\n`, { mode: 0o600 });
  };
  const hypothesis = async (): Promise<SteadyState> => {
    const probes: Entry[] = [];
    for (const probe of experiment.hypothesis?.probes ?? []) {
      parts.onActivity('hypothesis', probe.name);
      const entry = await act(probe, { ...parts, timeoutMs });
      probes.push(entry);
      if (entry.tolerance_met !== true) return { steady_state_met: false, probes };
    }
    return { steady_state_met: true, probes };
  };
  try {
    if (experiment.when !== 'after-method-only') journal.steady_states.before = await hypothesis();
    save();
    if (journal.steady_states.before?.steady_state_met === false) journal.status = 'failed';
    else {
      await runMethod(experiment.method, journal, parts, save);
      if (experiment.when !== 'before-method-only' && !signal.aborted) {
        journal.steady_states.after = await hypothesis();
        journal.deviated = !journal.steady_states.after.steady_state_met;
      }
    }
  } finally {
    if (signal.aborted) journal.status = 'interrupted';
    // A fault that is left in place because somebody pressed Ctrl-C is the worst of outcomes: nothing cuts these short.
    const undisturbed = { ...parts, signal: new AbortController().signal, timeoutMs };
    for (const activity of experiment.rollbacks) {
      parts.onActivity('rollbacks', activity.name);
      journal.rollbacks.push(await act(activity, undisturbed));
      save();
    }
    save();
  }
  return journal;
}

async function runMethod(
  method: readonly Activity[],
  journal: ChaosJournal,
  parts: ExperimentParts,
  save: () => void,
): Promise<void> {
  const behind: Promise<void>[] = [];
  for (const activity of method) {
    if (parts.signal.aborted) break;
    parts.onActivity('method', activity.name);
    const at = journal.run.length;
    const done = act(activity, { ...parts, timeoutMs }).then((entry) => {
      journal.run[at] = entry;
      save();
    });
    journal.run[at] = begun(activity, parts.variables);
    if (activity.background) behind.push(done);
    else await done;
  }
  await Promise.all(behind);
}

function begun(activity: Activity, { hide }: Variables): Entry {
  const now = new Date().toISOString();
  const exception = ['not ended'];
  return {
    activity: hide(asJson(activity)),
    status: 'failed',
    start: now,
    end: now,
    duration: 0,
    output: null,
    exception,
  };
}

/** Never throws: what goes wrong is what the journal is for. */
async function act(activity: Activity, parts: ExperimentParts & ActParts): Promise<Entry> {
  const { variables, signal } = parts;
  const filled = variables.fill(activity);
  await pause(filled.pauses?.before, signal);
  const from = Date.now();
  const entry = (rest: Pick<Entry, 'status' | 'output'> & Partial<Entry>): Entry => {
    const at = {
      start: new Date(from).toISOString(),
      end: new Date().toISOString(),
      duration: (Date.now() - from) / 1000,
    };
    return variables.hide({ activity: asJson(activity), ...at, ...rest });
  };
  let result: Entry;
  try {
    const output = await carryOut(filled.provider, parts);
    const met = filled.tolerance === undefined ? {} : { tolerance_met: await within(filled.tolerance, output, parts) };
    result = entry({ status: 'succeeded', output, ...met });
  } catch (error) {
    const failed = activity.tolerance === undefined ? {} : { tolerance_met: false };
    result = entry({ status: 'failed', output: null, exception: [told(error)], ...failed });
  }
  await pause(filled.pauses?.after, signal);
  return result;
}

function within(tolerance: Json, output: Json, parts: ExperimentParts & ActParts): Promise<boolean> {
  return isWithin(tolerance, output, async (probe) => {
    const asked = readExperiment({ title: 't', description: '', method: [probe] }, 'tolerance').method[0]!;
    const seen = await carryOut(parts.variables.fill(asked.provider), parts);
    return asked.tolerance === undefined
      ? isWithin(true, seen, async () => false)
      : within(asked.tolerance, seen, parts);
  });
}

async function pause(seconds: number | string | undefined, signal: AbortSignal): Promise<void> {
  const ms = 1000 * Number(seconds ?? 0);
  if (Number.isFinite(ms) && ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
}

function told(error: unknown): string {
  const { code, message, cause } = error as Error & { code?: string; cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? code ?? message;
}

function asJson(activity: Activity): Json {
  return JSON.parse(JSON.stringify(activity)) as Json;
}
