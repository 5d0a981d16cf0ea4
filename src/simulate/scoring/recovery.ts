// Recovery: the process lives without help, ordinary answers come back soon, and every acknowledged message is in the history once and in order.
import type { Check, Checks } from './check.ts';
import { ids, seconds } from './check.ts';
import { lostMessages } from './history.ts';
import type { MethodRun } from './method-run.ts';
import { shareAt } from './rubric.ts';

/** Simple and by hand is worth 10 to 14 of 20: these shares bring the cell there. */
const byHand = { alive: 0.4, back: 0.6 };

const alive: Check = ({ run, say }) => {
  const ended = run.process.find((fact) => fact.state === 'exited');
  if (ended !== undefined) {
    const returned = recoveredAt(run) !== null;
    return {
      share: returned ? byHand.alive : 0,
      because: say('simulate.because.exited', { detail: ended.detail }),
      evidence: [ended.id],
    };
  }
  const restarted = run.process.find((fact) => fact.state === 'restarted');
  if (restarted === undefined)
    return { share: 1, because: say('simulate.because.alive'), evidence: ids(run.process, 1) };
  return {
    share: recoveredAt(run) !== null ? byHand.alive : 0,
    because: say('simulate.because.restarted'),
    evidence: [restarted.id],
  };
};

const back: Check = ({ run, rubric, say }) => {
  const first = recoveredAt(run);
  if (first === null || run.cleared === null)
    return {
      share: 0,
      because: say('simulate.because.not-back'),
      evidence: ids([run.cleared].filter((fact) => fact !== null)),
    };
  const ms = Math.max(0, first.endT - run.cleared.t);
  const helped = run.process.some((fact) => fact.state === 'restarted');
  return {
    share: helped ? byHand.back : shareAt(rubric.bands.recovery, ms / 1000),
    because: helped ? say('simulate.because.back-by-hand') : say('simulate.because.back', { seconds: seconds(ms) }),
    evidence: [first.id],
  };
};

const history: Check = ({ run, promises, say }) => {
  if (!promises['history']) return null;
  // A target without a database forgets when the simulator restarts it: that is not the fault's doing.
  if (!promises['database'] && run.process.some((fact) => fact.state === 'reconfigured')) return null;
  const result = lostMessages(run);
  if (result.acknowledged === 0) return null;
  const bad = result.lost.length + result.doubled.length + result.disordered.length;
  return {
    share: bad === 0 ? 1 : Math.max(0, Math.min(0.5, 1 - bad / result.acknowledged)),
    because:
      bad === 0
        ? say('simulate.because.history', { count: result.acknowledged })
        : say('simulate.because.history-lost', {
            count: result.acknowledged,
            lost: result.lost.length,
            doubled: result.doubled.length,
            disordered: result.disordered.length,
          }),
    evidence: [...ids(run.histories, 2), ...ids([...result.lost, ...result.doubled, ...result.disordered], 6)],
  };
};

/** Somebody who comes new right after a cut: no connection of the time before may stand in the way. */
const reconnect: Check = ({ run, rubric, say }) => {
  const from = run.cleared?.t ?? Number.POSITIVE_INFINITY;
  const asks = run.asks.filter(({ ask }) => ask.user === 'fresh' && ask.t >= from);
  if (asks.length === 0) return null;
  const first = asks.find(({ kind }) => kind === 'served')?.ask;
  if (first === undefined)
    return { share: 0, because: say('simulate.because.no-reconnect'), evidence: ids(asks.map(({ ask }) => ask)) };
  const ms = first.endT - from;
  return {
    share: shareAt(rubric.bands.recovery, ms / 1000),
    because: say('simulate.because.reconnect', { seconds: seconds(ms) }),
    evidence: [first.id],
  };
};

export const recoveryChecks: Checks = { alive, back, history, reconnect };

/** The first ordinary answer after the fault was cleared. */
export function recoveredAt(run: MethodRun): MethodRun['asks'][number]['ask'] | null {
  const from = run.cleared?.t ?? Number.POSITIVE_INFINITY;
  const served = run.asks
    .filter(({ ask, kind }) => kind === 'served' && ask.t >= from)
    .sort((a, b) => a.ask.endT - b.ask.endT);
  return served[0]?.ask ?? null;
}
