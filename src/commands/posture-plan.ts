// `rempart posture risks|plan|monitor`: the register, the checklist, and connections between zones as they happen.
import { userInfo } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { loadConfig } from '../config.ts';
import { loadDeployment } from '../platform/documents/load-deployment.ts';
import { openCrossingLog } from '../protect/posture/monitor/crossing-log.ts';
import type { Crossing } from '../protect/posture/monitor/crossings.ts';
import { hostAddresses } from '../protect/posture/monitor/host-addresses.ts';
import { connectionsHere, createNetworkMonitor } from '../protect/posture/monitor/watch-network.ts';
import {
  hardeningPlan,
  readLastScan,
  readTicks,
  riskRegister,
  tick,
  tickable,
} from '../protect/posture/score/risks.ts';
import { type CommandInput, usageError, wholeNumber } from './command.ts';
import { ownDeployment } from './posture-harden.ts';

export async function showRisks(input: CommandInput): Promise<number> {
  const register = riskRegister(readLastScan(input.data), input.lang);
  const { say, stdout } = input;
  if (input.json) stdout.write(`${JSON.stringify(register)}\n`);
  else {
    const lines = register.risks.flatMap(({ title, before, after, state, mitigation }) => [
      say('posture.risk.line', { title, before, after, state: say(`posture.risk.${state}`) }),
      `  ${mitigation}`,
    ]);
    stdout.write(`${[...lines, '', basis(input, register.scan), say('posture.risk.rule')].join('\n')}\n`);
  }
  return 0;
}

export async function showPlan(input: CommandInput): Promise<number> {
  const { say, stdout, data, lang, env } = input;
  const { done } = input.options;
  if (typeof done === 'string') {
    const known = tickable();
    if (!known.includes(done))
      throw usageError(input, 'posture', 'cli.usage.choice', { given: done, known: known.join(', ') });
    tick(data, done, { time: new Date().toISOString(), by: userInfo().username });
  }
  const config = loadConfig({ file: input.configFile, asked: input.configAsked, env });
  const webhook = config.alerts.webhook !== undefined;
  const plan = hardeningPlan({ scan: readLastScan(data), ticks: readTicks(data), webhook }, lang);
  if (input.json) stdout.write(`${JSON.stringify(plan)}\n`);
  else {
    const lines = plan.points.map(({ phase, title, state, evidence, id }) => {
      const mark = state === 'done' ? 'x' : state === 'open' ? ' ' : '?';
      return `${phase}. [${mark}] ${title}  (${evidence === '' ? `--done ${id}` : evidence})`;
    });
    stdout.write(
      `${[...lines, '', say('posture.plan.done', { done: plan.done, total: plan.total }), basis(input, plan.scan)].join('\n')}\n`,
    );
  }
  return 0;
}

function basis({ say }: CommandInput, scan: string | null): string {
  return scan === null ? say('posture.basis.none') : say('posture.basis', { scan });
}

/** Watches until it is interrupted, or looks `--times N`. Exit 1 when a crossing was seen. */
export async function monitorNetwork(input: CommandInput): Promise<number> {
  const { profile } = input.options;
  const everyMs = (wholeNumber(input, 'posture', 'every', { min: 1, max: 3_600 }) ?? 5) * 1_000;
  const times = wholeNumber(input, 'posture', 'times', { min: 1, max: 1_000_000 }) ?? Number.POSITIVE_INFINITY;
  const deployment = loadDeployment(typeof profile === 'string' ? profile : ownDeployment);
  const log = openCrossingLog(input.data);
  let seen = 0;
  const monitor = createNetworkMonitor({
    deployment,
    read: connectionsHere,
    hostAddresses,
    now: Date.now,
    onCrossing: (crossing, time) => {
      seen += 1;
      log.add(crossing, time);
      tell(input, crossing, time);
    },
  });
  input.stderr.write(`${input.say('posture.monitor.start', { seconds: everyMs / 1_000 })}\n`);
  for (let look = 0; look < times && !input.signal.aborted; look += 1) {
    if (look > 0) await pause(everyMs, undefined, { signal: input.signal }).catch(() => {});
    if (input.signal.aborted) break;
    log.watched(Date.now());
    monitor.look();
  }
  if (!input.json) input.stdout.write(`${input.say('posture.monitor.seen', { count: seen })}\n`);
  return input.signal.aborted ? 130 : seen > 0 ? 1 : 0;
}

function tell({ json, stdout, say }: CommandInput, crossing: Crossing, time: number): void {
  const { from, to, port, fromZone, toZone } = crossing;
  const at = new Date(time).toISOString();
  stdout.write(
    json
      ? `${JSON.stringify({ time: at, ...crossing })}\n`
      : `${say('posture.monitor.line', { at, from, to, port, fromZone, toZone })}\n`,
  );
}
