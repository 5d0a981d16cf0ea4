// The course of one method run: baseline without fault, the fault until its checks are decided, recovery, baseline again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Say } from '../../platform/i18n/say.ts';
import type { KeeperClient } from '../keeper/keeper-client.ts';
import { isRestless } from '../scoring/health.ts';
import { judgeAsk } from '../scoring/method-run.ts';
import type { Rubric } from '../scoring/rubric.ts';
import type { TargetClient } from '../targets/client.ts';
import type { Phase } from './evidence.ts';
import { climbSteps } from './load-steps.ts';
import { healthEveryMs, type LookParts, readHistories, tryFunctions, watchHealth } from './look.ts';
import { waitForCalm } from './machine-load.ts';
import type { MethodPlan } from './methods.ts';
import type { Recorder } from './recorder.ts';
import { followEvidence, type SoFar } from './so-far.ts';
import { type Stage, type StageParts, waitReady } from './stage.ts';
import { createUser, type User, type UserParts } from './users.ts';

export interface MethodParts extends Omit<StageParts, 'client'> {
  client: TargetClient;
  recorder: Recorder;
  keeper: KeeperClient;
  now: () => number;
  say: Say;
  promises: Readonly<Record<string, boolean>>;
  rubric: Rubric;
  pace: 'real' | 'quick';
  allow: { load: boolean; firewall?: boolean };
  run: number;
}

/** Not back by then: the simulator restarts the target once. */
const recoveryLimitMs = 25_000;

/** The state of one method run: who talks, in which phase it is. */
export class MethodDay {
  readonly plan: MethodPlan;
  readonly parts: MethodParts;
  readonly stage: Stage;
  readonly soFar: SoFar;
  readonly users: User[];
  readonly userParts: UserParts;
  readonly look: LookParts;
  phase: Phase = 'baseline';
  watching = true;
  /** While the simulator itself restarts the target, its health page says nothing about the target. */
  paused = false;

  constructor(plan: MethodPlan, parts: MethodParts, stage: Stage, firstFact: number) {
    this.plan = plan;
    this.parts = parts;
    this.stage = stage;
    this.soFar = followEvidence(plan, parts, firstFact);
    this.look = { ...parts, places: stage.places };
    const { profile, client, random, recorder } = parts;
    this.userParts = { profile, places: stage.places, client, random, record: recorder.record };
    const { userParts } = this;
    const second = plan.scenario === 'overload' && profile.identities['admin'] !== undefined ? 'admin' : 'user';
    this.users = [createUser('regular', 'user', userParts), createUser('newcomer', second, userParts)];
  }

  async live(): Promise<void> {
    const watch = watchHealth(this.look, () => ({ over: !this.watching, paused: this.paused, phase: this.phase }));
    try {
      if (!(await this.baseline())) return;
      await this.fault();
      await this.recovery();
      await this.after();
      if (this.plan.method === 'cpu') await this.loadSteps();
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
    const known = () => this.soFar.facts().filter((fact) => fact.kind === 'upstream');
    // The ledger comes from another process: on a busy machine its line may be later than the answer it belongs to.
    await waitUntil(() => asks.every(({ marker }) => known().some((call) => call.marker === marker)), 2000);
    const calls = known();
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
    if (this.plan.method === 'cpu' && !(await this.untilIdle())) return false;
    const { logs } = await parts.keeper.call('logs', {});
    for (const { channel, text } of logs)
      parts.recorder.record({ kind: 'log-mark', t: parts.now(), channel, length: text.length });
    return true;
  }

  /** A health page that wavers before any fault would hide the fault: wait, at most a while, until it is steady. */
  async untilCalm(): Promise<void> {
    const { recorder, signal, now } = this.parts;
    for (let tries = 0; tries < 4 && !signal.aborted; tries++) {
      if (!isRestless((this.soFar.run()?.health ?? []).filter((fact) => fact.phase === 'baseline'))) return;
      recorder.record({ kind: 'baseline-again', t: now() });
      await sleep(healthEveryMs * 8);
    }
  }

  untilIdle(): Promise<boolean> {
    const { recorder, signal, now, rubric } = this.parts;
    return waitForCalm({ calmBelow: rubric.machine.calmBelow, signal }, (busy, calm) => {
      recorder.record({ kind: 'machine', t: now(), busy });
      // What the target showed or said meanwhile was about that other work.
      if (!calm && this.phase === 'baseline') recorder.record({ kind: 'baseline-again', t: now() });
    });
  }

  async fault(): Promise<void> {
    const { parts, plan, stage } = this;
    const longest = parts.pace === 'quick' ? plan.quickMaxMs : plan.realMs;
    const shortest = parts.pace === 'quick' ? plan.quickMinMs : plan.realMs;
    const { databasePath, reconfigured } = stage;
    const server = parts.profile.database.kind !== 'sqlite';
    const fault = plan.fault({
      databasePath,
      server,
      reconfigured,
      pace: parts.pace,
      firewall: parts.allow.firewall === true,
    });
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
      if (restarts && this.soFar.untouched()) return true;
      return (
        parts.signal.aborted ||
        passed >= longest ||
        (passed >= shortest && (this.soFar.decided(this.names()) || this.soFar.dead()))
      );
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
      talks.push(
        this.talk(fresh, 'recovery', () => this.soFar.served(['fresh']) || this.parts.now() > cleared.t + 10_000),
      );
    }
    this.mark('cleared', restarts ? { ...cleared, t: parts.now() } : cleared);
    if (cleared.dose !== undefined) parts.recorder.record({ kind: 'dose', t: parts.now(), values: cleared.dose });
    this.phase = 'recovery';
    await Promise.all(talks);
  }

  /** The target was restarted with another setting: what it was before is over, what it is now begins when it answers. */
  async untilReady(): Promise<void> {
    const { parts, stage, soFar } = this;
    const { start, health, ask } = parts.profile;
    const ready = start?.ready ?? { url: health?.url ?? ask.request.url, within: 10_000 };
    await waitReady(parts.client, ready, stage.places, parts.signal, soFar.dead);
    this.paused = false;
  }

  /** Until both users got an ordinary answer and what was acknowledged is in the history; with one restart when it does not come. */
  async recovery(): Promise<void> {
    const { parts } = this;
    if (this.soFar.run()?.cleared == null) return;
    const clearedAt = parts.now();
    const back = () => this.soFar.served(this.names());
    const gaveUp = () => parts.signal.aborted || parts.now() - clearedAt > recoveryLimitMs || this.soFar.dead();
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
    if (this.soFar.served(this.names())) for (const user of this.users) await user.ask('after');
    await readHistories(this.look, this.users);
    // What was acknowledged while the database was away is saved late: it gets its time.
    const until = parts.now() + 5000;
    while (parts.promises['history'] && parts.now() < until && !parts.signal.aborted && this.soFar.lost() > 0) {
      await sleep(400);
      await readHistories(this.look, this.users);
    }
    // A page that goes on telling of other work on the machine is not charged with the fault.
    if (this.plan.method === 'cpu') await this.untilIdle();
    // The health page gets as long to return as people would wait for it.
    const calm = parts.now() + (parts.pace === 'quick' ? 3000 : 4000);
    while (parts.promises['health'] && parts.now() < calm && !parts.signal.aborted && !this.soFar.healthReturned())
      await sleep(healthEveryMs);
  }

  /** How the target gives way to more and more users: last, so that nothing else is measured meanwhile. */
  loadSteps(): Promise<void> {
    const { recorder, now, signal, pace } = this.parts;
    const stepMs = pace === 'quick' ? 450 : 4000;
    return climbSteps(this.userParts, { stepMs, now, signal }, (step) =>
      recorder.record({ kind: 'load-step', ...step }),
    );
  }

  async talk(user: User, phase: Phase, until: () => boolean): Promise<void> {
    while (!until()) {
      await user.ask(phase);
      // After the fault people ask a little sooner at the quick pace: 28 methods have four minutes.
      const pauseMs = this.parts.pace === 'real' ? 1000 : phase === 'fault' ? 500 : 300;
      await waitUntil(until, pauseMs);
    }
  }

  /** The functions of the continuity grid, as the first user. */
  tryFunctions(): Promise<void> {
    return tryFunctions(this.look, this.phase, this.users[0]?.conversation() ?? '');
  }

  names(): string[] {
    return this.users.map((user) => user.name);
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
}

async function waitUntil(condition: () => boolean, atMostMs = Number.POSITIVE_INFINITY): Promise<void> {
  const until = Date.now() + atMostMs;
  while (!condition() && Date.now() < until) await sleep(Math.min(50, Math.max(1, until - Date.now())));
}
