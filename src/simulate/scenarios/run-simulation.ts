// A whole simulation: every method of the chosen scenarios through the keeper, evidence on disk, then the verdict from it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MethodId, ScenarioId } from '../../platform/documents/simulation.ts';
import type { Lang, Say } from '../../platform/i18n/say.ts';
import type { Replayed } from '../faults/process/undo-log.ts';
import { type KeeperClient, startKeeper } from '../keeper/keeper-client.ts';
import { methodRuns } from '../scoring/method-run.ts';
import type { Rubric } from '../scoring/rubric.ts';
import { randomFrom } from '../standin/random.ts';
import { createTargetClient } from '../targets/client.ts';
import { type Profile, placeholdersIn, profilePath, uses } from '../targets/profile.ts';
import type { Evidence, Fact } from './evidence.ts';
import { type MethodPlan, methodPlans } from './methods.ts';
import { createRecorder } from './recorder.ts';
import { runMethod } from './run-method.ts';
import type { StatedObservation } from './stated.ts';
import { failuresOutside, mustStop } from './stop-condition.ts';

export interface SimulationOptions {
  profile: Profile;
  scenarios: readonly ScenarioId[];
  methods?: readonly MethodId[];
  pace: 'real' | 'quick';
  runs: number;
  seed: number;
  allow: { load: boolean; firewall?: boolean };
  responsible: string | null;
  authorisation: string | null;
  dayRate?: number;
  /** Percent of failures outside faults from which nothing more is broken. */
  stopWhen?: number;
  /** What an operator says to have seen. */
  stated?: readonly StatedObservation[];
  lang: Lang;
  say: Say;
  rubric: Rubric;
  /** Where evidence.jsonl is written. */
  out: string;
  /** Where the keeper's undo log lives: in the data directory, so that the next start finds it. */
  undoDir: string;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

export type Progress =
  | { kind: 'replayed'; replayed: Replayed[] }
  | { kind: 'method'; plan: MethodPlan; index: number; count: number; run: number }
  | { kind: 'stopped'; asked: number; failed: number }
  | { kind: 'interrupted' };

export interface SimulationRun {
  evidenceFile: string;
  interrupted: boolean;
  /** By its stop condition. */
  stopped: boolean;
  restored: boolean;
}

export async function runSimulation(options: SimulationOptions): Promise<SimulationRun> {
  const { profile, out, signal, lang } = options;
  mkdirSync(out, { recursive: true });
  const evidenceFile = join(out, 'evidence.jsonl');
  const origin = Number(process.hrtime.bigint()) / 1e6;
  const now = () => Number(process.hrtime.bigint()) / 1e6 - origin;
  const early: Fact[] = [];
  let record: (fact: Fact) => void = (fact) => early.push(fact);
  const keeper = await startKeeper({
    undoDir: options.undoDir,
    origin,
    path: searchPath(options),
    onFact: (fact) => record(fact),
  });
  const recorder = createRecorder(evidenceFile);
  record = recorder.record;
  const random = randomFrom(options.seed);
  recorder.record({
    kind: 'run-begin',
    t: 0,
    target: profile.name,
    language: profile.language,
    lang,
    pace: options.pace,
    runs: options.runs,
    seed: options.seed,
    startedAt: new Date(Date.now() - now()).toISOString(),
    responsible: options.responsible,
    authorisation: options.authorisation,
    ...(options.dayRate === undefined ? {} : { dayRate: options.dayRate }),
    scenarios: [...options.scenarios],
    rubric: { name: options.rubric.name, sha256: options.rubric.sha256 },
    promises: promisesOf(profile),
  });
  for (const [scenario, path] of Object.entries(profile.procedures))
    recorder.record({ kind: 'procedure', t: now(), scenario, text: readProcedure(profilePath(profile, path)) });
  for (const one of options.stated ?? []) recorder.record({ kind: 'stated', t: now(), ...one });
  if (keeper.replayed.length > 0) options.onProgress({ kind: 'replayed', replayed: keeper.replayed });
  const onAbort = () => void keeper.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await runAll({ ...options, keeper, random, now, recorder });
  } finally {
    signal.removeEventListener('abort', onAbort);
    await keeper.close();
    const proof = restoreProof(recorder.facts, options);
    recorder.record({
      kind: 'run-end',
      t: now(),
      finishedAt: new Date().toISOString(),
      restored: proof.restored,
      restoreProof: proof.text,
    });
    recorder.close();
  }
  if (signal.aborted) options.onProgress({ kind: 'interrupted' });
  const stopped = recorder.facts.some(({ kind }) => kind === 'stopped');
  return {
    evidenceFile,
    stopped,
    interrupted: signal.aborted,
    restored: restoreProof(recorder.facts, options).restored,
  };
}

interface RunAll extends SimulationOptions {
  keeper: KeeperClient;
  random: () => number;
  now: () => number;
  recorder: ReturnType<typeof createRecorder>;
}

async function runAll(parts: RunAll): Promise<void> {
  const { options, plans } = { options: parts, plans: plansOf(parts) };
  const count = plans.length * options.runs;
  const host = canaryHost(parts.random);
  const root = mkdtempSync(join(tmpdir(), 'rempart-run-'));
  await parts.keeper.call('own-folder', { path: root });
  let index = 0;
  try {
    for (let run = 1; run <= options.runs; run++) {
      for (const plan of plans) {
        if (parts.signal.aborted) return;
        options.onProgress({ kind: 'method', plan, index: ++index, count, run });
        const work = join(root, `m${index}`);
        mkdirSync(work);
        const client = createTargetClient(parts.now);
        const abort = () => void client.close();
        parts.signal.addEventListener('abort', abort, { once: true });
        try {
          await runMethod(plan, {
            ...parts,
            client,
            host,
            work,
            path: searchPath(parts),
            run,
            promises: promisesOf(parts.profile),
          });
        } catch (error) {
          if (!parts.signal.aborted) noteCrash(parts, error);
        } finally {
          parts.signal.removeEventListener('abort', abort);
          await client.close();
        }
        if (stopsHere(parts)) return;
      }
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function stopsHere({ recorder, stopWhen, now, signal, onProgress }: RunAll): boolean {
  if (stopWhen === undefined || signal.aborted) return false;
  const outside = failuresOutside(methodRuns(recorder.facts));
  if (!mustStop(outside, stopWhen)) return false;
  recorder.record({ kind: 'stopped', t: now(), ...outside });
  onProgress({ kind: 'stopped', ...outside });
  return true;
}

/** A method that the simulator itself could not finish is inconclusive, and says why; the others go on. */
function noteCrash({ recorder, say, now }: RunAll, error: unknown): void {
  const lines = recorder.facts;
  const what = (error as { code?: string }).code ?? (error as Error).message;
  const fact: Fact = { kind: 'inconclusive', t: now(), why: say('simulate.why.crashed', { what }) };
  if (lines.at(-1)?.kind !== 'method-end') recorder.record(fact);
}

function plansOf({ scenarios, methods }: SimulationOptions): MethodPlan[] {
  return methodPlans.filter(
    (plan) =>
      scenarios.includes(plan.scenario) &&
      (methods === undefined || methods.length === 0 || methods.includes(plan.method)),
  );
}

export function promisesOf(profile: Profile): Record<string, boolean> {
  return {
    start: profile.start !== undefined,
    health: profile.health !== undefined,
    history: profile.history !== undefined,
    settings: profile.settings !== undefined,
    login: profile.login !== undefined,
    incidents: profile.incidents !== undefined,
    alerts: uses(profile, 'alerts.url'),
    spareKey: uses(profile, 'upstream.spareKey'),
    admin: profile.identities['admin'] !== undefined && profile.identities['user'] !== undefined,
    database: placeholdersIn(profile.start ?? {}).some((name) => name.startsWith('database.')),
  };
}

/** At most 64 KiB of it; null when it cannot be read. */
function readProcedure(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').slice(0, 65_536);
  } catch {
    return null;
  }
}

/** Restored: nothing is left in the undo log. Whether the target found its way back too is said beside it, method by method. */
function restoreProof(
  facts: readonly Evidence[],
  { undoDir, say }: SimulationOptions,
): { restored: boolean; text: string } {
  const injected = facts.filter((fact) => fact.kind === 'fault' && fact.action === 'injected').length;
  const runs = methodRuns(facts).filter((run) => run.injected !== null);
  const again = runs.filter((run) => run.asks.some(({ ask, kind }) => ask.phase === 'after' && kind === 'served'));
  const restored = !existsSync(join(undoDir, 'undo.jsonl'));
  return {
    restored,
    text: say(restored ? 'simulate.restored' : 'simulate.not-restored', {
      injected,
      again: again.length,
      runs: runs.length,
    }),
  };
}

/** An address in 127/8 that stands nowhere else; where only 127.0.0.1 answers, that one. */
function canaryHost(random: () => number): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  const part = () => 2 + Math.floor(random() * 250);
  return `127.${part()}.${part()}.${part()}`;
}

function searchPath({ env }: Pick<SimulationOptions, 'env'>): string {
  return env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}

export function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
