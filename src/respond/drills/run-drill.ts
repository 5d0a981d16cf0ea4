// One drill from its cause to its closed incident: cause → detected → contained → restored → undone → closed, each looked at.
import type { DrillPhase, DrillResult } from '../../platform/documents/drill.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import { type Check, type Drill, type DrillAtWork, type Look, type Sandbox, until } from './drill.ts';
import { type Officer, startOfficer } from './officer.ts';
import { usualAnswer } from './usual-answers.ts';

export interface DrillOutcome {
  result: DrillResult;
  /** The first thing that did not hold; the checks say the rest. */
  why: { code: DrillFailure; facts: Readonly<Record<string, string | number>> } | null;
  checks: readonly Check[];
  detectors: readonly string[];
  detectedMs: number | null;
  containedMs: number | null;
}

export type DrillFailure =
  | 'not-now'
  | 'not-ready'
  | 'not-detected'
  | 'not-contained'
  | 'waits'
  | 'check'
  | 'unexpected';

export interface Patience {
  detectMs: number;
  containMs: number;
  restoreMs: number;
}

export const ordinaryPatience: Patience = { detectMs: 20_000, containMs: 30_000, restoreMs: 60_000 };

export async function runDrill(
  drill: Drill,
  sandbox: Sandbox,
  patience: Patience = ordinaryPatience,
): Promise<DrillOutcome> {
  const run = { drill, sandbox, patience, work: drill.begin(sandbox), checks: [] as Check[] };
  const seen: Seen = { detectors: [], detectedMs: null, containedMs: null };
  let why: DrillOutcome['why'] = null;
  try {
    why = await goThrough(run, seen);
  } catch (error) {
    why = { code: 'unexpected', facts: { error: error instanceof Error ? error.message : typeof error } };
  }
  const bad = run.checks.find(({ ok }) => !ok);
  if (why === null && bad !== undefined) why = { code: 'check', facts: { check: bad.name, phase: bad.phase } };
  return { result: resultOf(why), why, checks: run.checks, ...seen };
}

function resultOf(why: DrillOutcome['why']): DrillResult {
  if (why === null) return 'passed';
  return why.code === 'not-now' ? 'not-run' : 'failed';
}

interface Running {
  drill: Drill;
  sandbox: Sandbox;
  patience: Patience;
  work: DrillAtWork;
  checks: Check[];
}

interface Seen {
  detectors: string[];
  detectedMs: number | null;
  containedMs: number | null;
}

async function goThrough(run: Running, seen: Seen): Promise<DrillOutcome['why']> {
  const { drill, sandbox, patience, work } = run;
  const before = await work.before();
  if ('notNow' in before) return { code: 'not-now', facts: { reason: before.notNow } };
  if (!note(run, 'before', before)) return { code: 'not-ready', facts: {} };

  const at = performance.now();
  const sinceAct = () => Math.round((performance.now() - at) * 10) / 10;
  let broke: unknown;
  const causing = work.cause().catch((error: unknown) => {
    broke = error;
  });
  let incident: Incident | null = null;
  await until(async () => {
    incident = await sandbox.incident(drill.type).catch(() => null);
    return broke !== undefined || incident !== null || (await work.seen?.()) === true;
  }, patience.detectMs).then((isSeen) => {
    if (isSeen) seen.detectedMs = sinceAct();
  });
  await causing;
  if (broke !== undefined) throw broke;
  if (seen.detectedMs !== null && work.meanwhile !== undefined) {
    note(run, 'detected', await work.meanwhile());
    incident = await sandbox.incident(drill.type).catch(() => null);
  }
  if (incident === null) {
    const reason = work.notSeen?.()?.notNow;
    if (reason !== undefined) return { code: 'not-now', facts: { reason } };
    return { code: 'not-detected', facts: { seconds: patience.detectMs / 1_000 } };
  }
  const opened: Incident = incident;
  seen.detectors = opened.signals.map(({ detector }) => detector);
  note(run, 'detected', [{ name: 'incident-open', ok: opened.status !== 'closed', facts: { incident: opened.id } }]);

  const officer = startOfficer({
    tasks: sandbox.tasks,
    runs: () => sandbox.runs(opened.id),
    byHand: async (step) => (await work.byHand?.(step)) ?? usualAnswer(sandbox, step),
    first: drill.answersFirst ?? [],
    failed: () => undefined,
  });
  try {
    return await answered(run, seen, opened.id, officer, sinceAct);
  } finally {
    officer.close();
  }
}

/** What the playbook does about it, and its undo. */
async function answered(
  run: Running,
  seen: Seen,
  id: string,
  officer: Officer,
  sinceAct: () => number,
): Promise<DrillOutcome['why']> {
  const { drill, sandbox, patience, work } = run;
  const now = async () => (await sandbox.incident(drill.type))!;
  // The incident's own mark says when to look, and is no proof of anything.
  const marked = await until(async () => (await now().catch(() => null))?.containedAt != null, patience.containMs);
  let looks: readonly Look[] = [];
  await until(async () => {
    looks = await work.contained(await now());
    return looks.every(({ ok }) => ok);
  }, 2_000);
  const contained = [...looks, { name: 'marked-contained', ok: marked }];
  if (!note(run, 'contained', contained)) return notContained(run, id, contained);
  seen.containedMs = sinceAct();

  officer.goOn();
  const done = await until(
    async () => {
      const runs = await sandbox.runs(id).catch(() => []);
      return runs.length > 0 && runs.every(({ state }) => !['waiting', 'running'].includes(state));
    },
    patience.restoreMs,
    100,
  );
  const runs = await sandbox.runs(id);
  note(run, 'restored', [
    {
      name: 'playbook-done',
      ok: done && runs.every(({ state }) => state === 'done'),
      facts: { runs: runs.map(({ state, code }) => `${state}${code === null ? '' : ` ${code}`}`).join(', ') },
    },
    ...((await work.restored?.(await now())) ?? []),
  ]);

  for (const { id: one } of runs.toReversed()) await sandbox.undo(one);
  const counts = await Promise.all(runs.map((one) => sandbox.undone(one.id)));
  const sum = (of: 'undone' | 'left') => counts.reduce((total, count) => total + count[of], 0);
  note(run, 'undone', [
    { name: 'undo-ran', ok: sum('left') === 0, facts: { undone: sum('undone'), left: sum('left') } },
    ...((await work.undone?.(await now())) ?? []),
  ]);

  await sandbox.close(id);
  const closed = await now();
  const journal = await sandbox.verifyJournal();
  note(run, 'closed', [
    { name: 'closed-as-test', ok: closed.status === 'closed' && closed.verdict === 'test' },
    { name: 'journal-whole', ok: journal.ok && journal.records > 0, facts: { records: journal.records } },
  ]);
  return null;
}

/** The first look that failed, and what the playbook waits for, which is usually why. */
async function notContained({ sandbox, patience }: Running, id: string, looks: readonly Look[]) {
  const check = looks.find(({ ok }) => !ok)?.name ?? '';
  const runs = await sandbox.runs(id).catch(() => []);
  const open = await Promise.all(runs.map((one) => sandbox.tasks.list({ run: one.id, state: 'open' })));
  const step = open.flat()[0]?.step;
  const facts = { seconds: patience.containMs / 1_000, check };
  return step === undefined
    ? { code: 'not-contained' as const, facts }
    : { code: 'waits' as const, facts: { ...facts, step } };
}

function note(run: Running, phase: DrillPhase, looks: readonly Look[]): boolean {
  run.checks.push(...looks.map((look) => ({ phase, ...look })));
  return looks.every(({ ok }) => ok);
}
