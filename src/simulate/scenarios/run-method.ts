// One method, once: baseline without fault, the fault until its checks are decided, recovery, baseline again.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Say, TextKey } from '../../platform/i18n/say.ts';
import type { KeeperClient } from '../keeper/keeper-client.ts';
import { healthSeen } from '../scoring/detection.ts';
import { healthBaseline, healthDeviations, isRestless } from '../scoring/health.ts';
import { lostMessages } from '../scoring/history.ts';
import { judgeAsk, type MethodRun, methodRuns } from '../scoring/method-run.ts';
import type { TargetClient } from '../targets/client.ts';
import { parseJsonObject } from '../targets/json-text.ts';
import { atPointer, uses } from '../targets/profile.ts';
import type { Evidence, EvidenceOf, Phase } from './evidence.ts';
import type { MethodPlan } from './methods.ts';
import type { Recorder } from './recorder.ts';
import { databaseServer, type Stage, type StageParts, setStage, waitReady } from './stage.ts';
import { createUser, type User, type UserParts } from './users.ts';

export interface MethodParts extends Omit<StageParts, 'client'> {
  client: TargetClient;
  recorder: Recorder;
  keeper: KeeperClient;
  now: () => number;
  say: Say;
  promises: Readonly<Record<string, boolean>>;
  pace: 'real' | 'quick';
  allow: { load: boolean };
  run: number;
}

const healthEveryMs = 250;
/** Not back by then: the simulator restarts the target once. */
const recoveryLimitMs = 25_000;

export async function runMethod(plan: MethodPlan, parts: MethodParts): Promise<void> {
  const { recorder, profile, say, keeper } = parts;
  const start = recorder.facts.length;
  const begin = (canaries: EvidenceOf<'method-begin'>['canaries']) =>
    recorder.record({
      kind: 'method-begin',
      t: parts.now(),
      scenario: plan.scenario,
      method: plan.method,
      run: parts.run,
      at: new Date().toISOString(),
      canaries,
    });
  const end = () => recorder.record({ kind: 'method-end', t: parts.now() });
  const { kind } = profile.database;
  // What has no meaning for this target is left out.
  if (plan.databases !== undefined && kind !== 'none' && !plan.databases.includes(kind)) return;
  const impossible = plan.impossible(profile, parts.allow) ?? serverMissing(parts);
  if (impossible !== null) {
    begin([]);
    recorder.record({ kind: 'inconclusive', t: parts.now(), why: say(impossible) });
    return end();
  }
  try {
    const stage = await setStage(parts, plan.method === 'memory');
    // The target's start is noted before method-begin; what counts begins here.
    begin(stage.canaries);
    if (stage.ready) await new MethodDay(plan, parts, stage, start).live();
    else recorder.record({ kind: 'invalid', t: parts.now(), why: say('simulate.why.not-ready') });
    const { logs } = await keeper.call('stop-target', {});
    recordLogs(logs, parts, recorder.facts.slice(start));
    scanDatabase(stage, parts);
  } finally {
    await keeper.call('stop-target', {}).catch(() => undefined);
    await keeper.call('clean', {}).catch(() => undefined);
    end();
  }
}

/** A target that stores in a database server cannot even begin without one. */
function serverMissing(parts: MethodParts): TextKey | null {
  return parts.profile.start !== undefined && uses(parts.profile, 'database.url') && databaseServer(parts) === null
    ? 'simulate.why.no-server'
    : null;
}

/** The state of one method run: who talks, in which phase it is. */
class MethodDay {
  readonly plan: MethodPlan;
  readonly parts: MethodParts;
  readonly stage: Stage;
  readonly firstFact: number;
  readonly users: User[];
  readonly userParts: UserParts;
  phase: Phase = 'baseline';
  watching = true;
  /** While the simulator itself restarts the target, its health page says nothing about the target. */
  paused = false;
  judged: { at: number; run: MethodRun | undefined } = { at: -1, run: undefined };

  constructor(plan: MethodPlan, parts: MethodParts, stage: Stage, firstFact: number) {
    this.plan = plan;
    this.parts = parts;
    this.stage = stage;
    this.firstFact = firstFact;
    const { profile, client, random, recorder } = parts;
    this.userParts = { profile, places: stage.places, client, random, record: recorder.record };
    const { userParts } = this;
    const second = plan.scenario === 'overload' && profile.identities['admin'] !== undefined ? 'admin' : 'user';
    this.users = [createUser('regular', 'user', userParts), createUser('newcomer', second, userParts)];
  }

  async live(): Promise<void> {
    const watch = this.watchHealth();
    try {
      if (!(await this.baseline())) return;
      await this.fault();
      await this.recovery();
      await this.after();
    } finally {
      this.watching = false;
      await watch;
    }
  }

  /** Ordinary answers only: nothing is asked of a target before it is broken but that it works. */
  async baseline(): Promise<boolean> {
    const { parts } = this;
    await sleep(healthEveryMs * 2);
    const [regular, newcomer] = this.users as [User, User];
    const asks = [await regular.ask('baseline')];
    // Under load the two are compared with each other, so both need their usual time.
    if (this.plan.scenario === 'overload') asks.push(await newcomer.ask('baseline'), await regular.ask('baseline'));
    asks.push(await regular.ask('baseline'));
    await sleep(20);
    const calls = this.facts().filter((fact) => fact.kind === 'upstream');
    const broken = asks.find((ask) => judgeAsk({ id: '', ...ask }, calls).kind !== 'served');
    if (broken !== undefined) {
      const seen =
        broken.status === null ? (broken.error ?? 'no answer') : `${broken.status}, ${calls.length} upstream calls`;
      parts.recorder.record({
        kind: 'invalid',
        t: parts.now(),
        why: parts.say('simulate.why.baseline', { what: seen }),
      });
      return false;
    }
    await this.tryFunctions();
    await sleep(healthEveryMs * 2);
    await this.untilCalm();
    const { logs } = await parts.keeper.call('logs', {});
    for (const { channel, text } of logs)
      parts.recorder.record({ kind: 'log-mark', t: parts.now(), channel, length: text.length });
    return true;
  }

  /** A health page that wavers before any fault would hide the fault: wait, at most a while, until it is steady. */
  async untilCalm(): Promise<void> {
    const { recorder, signal, now } = this.parts;
    for (let tries = 0; tries < 4 && !signal.aborted; tries++) {
      if (!isRestless((this.soFar()?.health ?? []).filter((fact) => fact.phase === 'baseline'))) return;
      recorder.record({ kind: 'baseline-again', t: now() });
      await sleep(healthEveryMs * 8);
    }
  }

  async fault(): Promise<void> {
    const { parts, plan, stage } = this;
    const longest = parts.pace === 'quick' ? plan.quickMaxMs : plan.realMs;
    const shortest = parts.pace === 'quick' ? plan.quickMinMs : plan.realMs;
    const { databasePath, reconfigured } = stage;
    const server = parts.profile.database.kind !== 'sqlite';
    const fault = plan.fault({ databasePath, server, reconfigured, pace: parts.pace });
    const restarts = fault.type === 'reconfigured';
    this.phase = 'fault';
    this.paused = restarts;
    const readyWithin = parts.profile.start?.ready?.within ?? 0;
    const reply = await parts.keeper.call('inject', {
      fault,
      leaseMs: longest + 10_000 + (restarts ? readyWithin : 0),
    });
    if (reply.impossible !== undefined) {
      parts.recorder.record({
        kind: 'inconclusive',
        t: parts.now(),
        why: parts.say('simulate.why.impossible', { why: reply.impossible }),
      });
      return;
    }
    this.mark('injected', reply);
    if (restarts) await this.untilReady();
    const injectedAt = parts.now();
    const until = () => {
      const passed = parts.now() - injectedAt;
      if (restarts && this.untouched()) return true;
      return parts.signal.aborted || passed >= longest || (passed >= shortest && this.decided());
    };
    const talks = this.users.map((user) => this.talk(user, 'fault', until));
    if (plan.scenario === 'database-down') talks.push(sleep(1000).then(() => this.tryFunctions()));
    await waitUntil(until);
    // Who asks a target that is being restarted meets our doing, not the fault.
    if (restarts) await Promise.all(talks);
    this.paused = restarts;
    const cleared = await parts.keeper.call('clear', {});
    if (restarts) await this.untilReady();
    if (plan.freshUser) {
      const fresh = createUser('fresh', 'user', this.userParts);
      this.users.push(fresh);
      talks.push(this.talk(fresh, 'recovery', () => this.isServed(fresh) || this.parts.now() > cleared.t + 10_000));
    }
    this.mark('cleared', restarts ? { ...cleared, t: parts.now() } : cleared);
    if (cleared.dose !== undefined) parts.recorder.record({ kind: 'dose', t: parts.now(), values: cleared.dose });
    this.phase = 'recovery';
    await Promise.all(talks);
  }

  /** The target was restarted with another setting: what it was before is over, what it is now begins when it answers. */
  async untilReady(): Promise<void> {
    const { parts, stage } = this;
    const { start } = parts.profile;
    const from = parts.now();
    const dead = () => this.facts().some((fact) => fact.kind === 'process' && fact.state === 'exited' && fact.t > from);
    if (start?.ready !== undefined) await waitReady(parts.client, start.ready, stage.places, parts.signal, dead);
    this.paused = false;
  }

  /** A setting that the target does not heed: its calls go through as ever, and there is nothing to wait for. */
  untouched(): boolean {
    const run = this.soFar();
    const from = run?.injected?.t ?? Number.POSITIVE_INFINITY;
    return (
      this.plan.method !== 'invalid-key' &&
      (run?.calls.some((call) => call.t >= from && call.outcome === 'passed' && call.marker !== null) ?? false)
    );
  }

  /** Until both users got an ordinary answer and what was acknowledged is in the history; with one restart when it does not come. */
  async recovery(): Promise<void> {
    const { parts } = this;
    if (!this.facts().some((fact) => fact.kind === 'fault' && fact.action === 'cleared')) return;
    const clearedAt = parts.now();
    const dead = () => this.facts().some((fact) => fact.kind === 'process' && fact.state === 'exited');
    const back = () => this.isBack();
    const gaveUp = () => parts.signal.aborted || parts.now() - clearedAt > recoveryLimitMs || dead();
    await Promise.all(this.users.map((user) => this.talk(user, 'recovery', () => back() || gaveUp())));
    if (back() || parts.signal.aborted) return;
    const { start } = parts.profile;
    if (start === undefined) return;
    await parts.keeper.call('restart-target', {});
    if (start.ready !== undefined)
      await waitReady(parts.client, { ...start.ready, within: 10_000 }, this.stage.places, parts.signal);
    const restartedAt = parts.now();
    await Promise.all(
      this.users.map((user) =>
        this.talk(user, 'recovery', () => back() || parts.signal.aborted || parts.now() - restartedAt > 8000),
      ),
    );
  }

  async after(): Promise<void> {
    const { parts } = this;
    if (parts.signal.aborted) return;
    this.phase = 'after';
    if (this.isBack()) for (const user of this.users) await user.ask('after');
    await this.readHistories();
    // What was acknowledged while the database was away is saved late: it gets its time.
    const until = parts.now() + 5000;
    while (parts.promises['history'] && parts.now() < until && !parts.signal.aborted && this.lost() > 0) {
      await sleep(400);
      await this.readHistories();
    }
    // The health page gets as long to return as people would wait for it.
    const calm = parts.now() + 4000;
    while (parts.promises['health'] && parts.now() < calm && !parts.signal.aborted && !this.healthReturned())
      await sleep(healthEveryMs);
  }

  async talk(user: User, phase: Phase, until: () => boolean): Promise<void> {
    while (!until()) {
      await user.ask(phase);
      await waitUntil(until, this.parts.pace === 'quick' ? 500 : 1000);
    }
  }

  async watchHealth(): Promise<void> {
    const { parts, stage } = this;
    const { health } = parts.profile;
    while (health !== undefined && this.watching && !parts.signal.aborted) {
      if (this.paused) {
        await sleep(20);
        continue;
      }
      const reply = await parts.client.send({ method: 'GET', url: health.url, headers: health.headers }, stage.places, {
        timeoutMs: 2000,
      });
      if (this.paused) continue;
      parts.recorder.record({
        kind: 'health',
        t: reply.t,
        phase: this.phase,
        status: reply.status,
        body: reply.body.slice(0, 16_384),
        error: reply.error,
      });
      await sleep(healthEveryMs);
    }
  }

  /** The functions of the continuity grid, tried once in the present phase. */
  async tryFunctions(): Promise<void> {
    const { parts, stage } = this;
    const { history, settings, login, incidents } = parts.profile;
    const conversation = this.users[0]?.conversation() ?? '';
    const tried = [
      ['history', history?.request],
      ['settings', settings?.get],
      ['login', login?.request],
      ['incidents', incidents?.request],
    ] as const;
    for (const [name, request] of tried) {
      if (request === undefined) continue;
      const reply = await parts.client.send(request, { ...stage.places, conversation }, { timeoutMs: 8000 });
      const found = name === 'history' ? atPointer(parseJsonObject(reply.body), history?.messages ?? '') : true;
      parts.recorder.record({
        kind: 'function',
        t: reply.t,
        phase: this.phase,
        name,
        status: reply.status,
        body: reply.body.slice(0, 16_384),
        works:
          reply.status !== null &&
          reply.status < 300 &&
          (name !== 'history' || (Array.isArray(found) && found.length > 0)),
      });
    }
  }

  async readHistories(): Promise<void> {
    const { parts, stage } = this;
    const { history } = parts.profile;
    if (history === undefined) return;
    for (const user of this.users.filter((one) => one.conversation() !== '')) {
      const conversation = user.conversation();
      const reply = await parts.client.send(
        history.request,
        { ...stage.places, conversation },
        { timeoutMs: 8000, headers: user.headers },
      );
      const messages = atPointer(parseJsonObject(reply.body), history.messages);
      parts.recorder.record({
        kind: 'history',
        t: reply.t,
        conversation,
        status: reply.status,
        body: messages === undefined ? reply.body.slice(0, 4096) : JSON.stringify(messages),
      });
    }
  }

  mark(action: 'injected' | 'cleared', reply: { t: number; proved: boolean; proof: string }): void {
    const { plan, parts } = this;
    parts.recorder.record({
      kind: 'fault',
      t: reply.t,
      action,
      name: plan.method,
      at: new Date().toISOString(),
      proof: reply.proof,
      proved: reply.proved,
    });
  }

  facts(): readonly Evidence[] {
    return this.parts.recorder.facts.slice(this.firstFact);
  }

  /** This run's facts as scoring will see them; judged anew only when there are new ones. */
  soFar(): MethodRun | undefined {
    const at = this.parts.recorder.facts.length;
    if (at !== this.judged.at) {
      const run = methodRuns([...this.facts(), { id: '', kind: 'method-end', t: this.parts.now() }])[0];
      this.judged = { at, run };
    }
    return this.judged.run;
  }

  /** Whether more time could still change a check: an alert, the health page, and two answers for each user. */
  decided(): boolean {
    const run = this.soFar();
    if (run === undefined) return false;
    const from = run.injected?.t ?? 0;
    const answered = this.users.every(
      (user) => run.asks.filter(({ ask }) => ask.user === user.name && ask.t >= from).length >= 2,
    );
    if (!answered) return false;
    const steady = healthBaseline(run.health.filter((fact) => fact.phase === 'baseline'));
    const seen =
      !this.parts.promises['health'] ||
      run.health.some((fact) => fact.t >= from && healthDeviations(steady, fact).length > 0);
    const alerted = !this.parts.promises['alerts'] || run.alerts.some((fact) => fact.t >= from);
    // Nobody was disturbed: then there is no alert to wait for, except where one is always due.
    const healed = run.asks.filter(({ ask }) => ask.t >= from).every(({ kind }) => kind === 'served');
    const due =
      this.plan.scenario === 'key-compromised' || this.plan.scenario === 'database-down' || this.plan.method === 'cpu';
    return (seen && alerted) || (healed && !due);
  }

  isBack(): boolean {
    return this.users.every((user) => this.isServed(user));
  }

  isServed(user: User): boolean {
    const run = this.soFar();
    const from = run?.cleared?.t ?? Number.POSITIVE_INFINITY;
    return run?.asks.some(({ ask, kind }) => ask.user === user.name && ask.t >= from && kind === 'served') ?? false;
  }

  lost(): number {
    const run = this.soFar();
    return run === undefined ? 0 : lostMessages(run).lost.length;
  }

  healthReturned(): boolean {
    const run = this.soFar();
    if (run === undefined) return true;
    // A compromised key stays out after the fault: a page that goes on saying so is not waited for.
    if (run.scenario === 'key-compromised') return true;
    const steady = healthBaseline(run.health.filter((fact) => fact.phase === 'baseline'));
    return healthSeen(run, steady)?.returned ?? true;
  }
}

function recordLogs(
  logs: readonly { channel: string; text: string }[],
  parts: MethodParts,
  facts: readonly Evidence[],
): void {
  for (const { channel, text } of logs) {
    const mark = facts.find((fact) => fact.kind === 'log-mark' && fact.channel === channel);
    parts.recorder.record({
      kind: 'log',
      t: parts.now(),
      channel,
      baselineLength: mark?.kind === 'log-mark' ? mark.length : 0,
      text,
    });
  }
}

/** Canaries in what the target stored: the files are searched as bytes, whatever their format. */
function scanDatabase(stage: Stage, parts: MethodParts): void {
  const found: { name: string; offset: number }[] = [];
  for (const file of [stage.databasePath, `${stage.databasePath}-wal`]) {
    if (!existsSync(file)) continue;
    const bytes = readFileSync(file);
    for (const canary of stage.canaries) {
      const offset = bytes.indexOf(canary.value);
      if (offset !== -1) found.push({ name: canary.name, offset });
    }
  }
  parts.recorder.record({ kind: 'scan', t: parts.now(), channel: 'database', found });
}

async function waitUntil(condition: () => boolean, atMostMs = Number.POSITIVE_INFINITY): Promise<void> {
  const until = Date.now() + atMostMs;
  while (!condition() && Date.now() < until) await sleep(Math.min(50, Math.max(1, until - Date.now())));
}
