// The client of the engine's API and the actions upon containers, against containers of a real Podman.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type ContainerEngine,
  type EngineEvent,
  openContainerEngine,
} from '../src/platform/containers/container-engine.ts';
import { deploymentSchema } from '../src/platform/documents/deployment.ts';
import { containerActions } from '../src/respond/actions/containers/container-actions.ts';
import { createEvidence } from '../src/respond/actions/evidence.ts';
import type { Action } from '../src/respond/engine/action.ts';
import { makePlace, until } from './instance.ts';
import { type PodmanHere, podmanMissing, startPodman } from './podman-here.ts';

const place = makePlace();
const skip = podmanMissing();
let here: PodmanHere;
let engine: ContainerEngine;

before(async () => {
  if (skip !== false) return;
  here = await startPodman(place);
  engine = openContainerEngine({ socketPath: here.socket });
});

after(async () => {
  if (skip === false) {
    await engine.close();
    here.stop();
  }
  place.remove();
});

test('openContainerEngine() tells of Podman what it runs, with its processes, logs and use of the machine', {
  skip,
}, async () => {
  const name = here.run(
    'told',
    ['--network', 'none', '--label', 'com.docker.compose.service=app'],
    ['/bin/sh', '-c', 'echo out; echo err >&2; exec /bin/sleep 600'],
  );
  assert.equal((await engine.version()).podman, true);
  const found = (await engine.list()).find((one) => one.name === name);
  assert.deepEqual([found?.state, found?.service], ['running', 'app']);
  const inspected = await engine.inspect(name);
  assert.equal(inspected.State?.Running, true);
  assert.ok((inspected.State?.Pid ?? 0) > 1);
  await until(async () => (await engine.logs(name)).bytes.includes('err'));
  assert.match((await engine.logs(name)).bytes.toString(), /^20\S+ out\n/m);
  assert.deepEqual(
    (await engine.top(name)).map(({ command }) => command),
    ['/bin/sleep 600'],
  );
  const { cpuNs, systemCpuNs, memoryLimitBytes } = await engine.stats(name);
  assert.ok(cpuNs > 0 && systemCpuNs > cpuNs && memoryLimitBytes > 0);
});

test('openContainerEngine() has Podman pause, kill and start, and hears of it', { skip }, async () => {
  const name = here.run('moved', ['--network', 'none']);
  const stop = new AbortController();
  const heard: EngineEvent[] = [];
  const events = await engine.within(stop.signal).events({ types: ['container'] });
  const listening = (async () => {
    for await (const event of events) heard.push(event);
  })().catch(() => undefined);
  const state = async () => (await engine.inspect(name)).State?.Status;
  await engine.pause(name);
  assert.equal(await state(), 'paused');
  await engine.unpause(name);
  await engine.kill(name);
  await until(async () => (await state()) === 'exited');
  await engine.start(name);
  assert.equal(await state(), 'running');
  await until(() =>
    ['pause', 'kill', 'die', 'start'].every((one) => heard.some((e) => e.name === name && e.action === one)),
  );
  stop.abort();
  await listening;
});

test('openContainerEngine() takes a container of Podman off its network and puts it back', { skip }, async () => {
  const network = here.network('off', '10.231.11.0/24');
  const name = here.run('off', ['--network', network]);
  const networks = async () => Object.keys((await engine.inspect(name)).NetworkSettings?.Networks ?? {});
  assert.deepEqual(await networks(), [network]);
  await engine.disconnect(network, name);
  assert.deepEqual(await networks(), []);
  await engine.connect(network, name, { fixed: { v4: '10.231.11.77' } });
  assert.deepEqual(await networks(), [network]);
  assert.ok((await engine.networks()).includes(network));
});

/** One service for each role, in containers of ours. */
function actionsFor(roles: Record<string, string>, evidence = 'evidence'): (name: string) => Action {
  const services = Object.entries(roles).map(([role, container], order) => ({ name: role, role, order, container }));
  const actions = containerActions({
    deployment: deploymentSchema.parse({ name: 'drill', services }),
    engine: () => engine,
    protected: [],
    evidence: createEvidence(join(place.dir, evidence)),
    health: { fetch },
    compose: () => Promise.reject(new Error('none here')),
  });
  return (name) => actions.find((one) => one.name === name)!;
}

let steps = 0;
async function carryOut(action: Action, given: object) {
  const context = {
    incident: 'incident-1',
    run: 'run-1',
    idempotencyKey: `step-${steps++}`,
    now: Date.now,
    signal: new AbortController().signal,
    outArgs: ['__out__'],
  };
  const args = action.args.parse(given);
  const { before: state } = await action.plan(args, context);
  const done = await action.act(args, context, state);
  assert.equal((await action.probe(args, context, state)).state, action.name === 'health.check' ? 'not-done' : 'done');
  return { done, undo: () => action.undo!(args, context, state) };
}
const stateOf = async (name: string) => (await engine.inspect(name)).State?.Status;

test('containers.kill keeps down what Podman would start again, and undo starts it', { skip }, async () => {
  const name = here.run('always', ['--network', 'none', '--restart', 'always']);
  const { undo } = await carryOut(actionsFor({ core: name })('containers.kill'), { select: { services: ['core'] } });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal(await stateOf(name), 'exited');
  await undo();
  assert.equal(await stateOf(name), 'running');
});

test('containers.pause, .stop and .restart do to a container of Podman what they say', { skip }, async () => {
  const name = here.run('turned', ['--network', 'none']);
  const action = actionsFor({ core: name });
  const select = { select: { roles: ['core'] } };
  const paused = await carryOut(action('containers.pause'), select);
  assert.equal(await stateOf(name), 'paused');
  const earlier = await engine.inspect(name);
  await carryOut(action('containers.restart'), select);
  assert.equal(await stateOf(name), 'running');
  assert.notEqual((await engine.inspect(name)).State?.StartedAt, earlier.State?.StartedAt);
  await paused.undo();
  const stopped = await carryOut(action('containers.stop'), select);
  assert.equal(await stateOf(name), 'exited');
  await stopped.undo();
  assert.equal(await stateOf(name), 'running');
});

test('containers.kill ends a paused container of Podman, and undo brings it back paused', { skip }, async () => {
  const name = here.run('frozen', ['--network', 'none']);
  await engine.pause(name);
  const { undo } = await carryOut(actionsFor({ core: name })('containers.kill'), { select: { services: ['core'] } });
  assert.equal(await stateOf(name), 'exited');
  await undo();
  assert.equal(await stateOf(name), 'paused');
});

test('containers.disconnect takes a container of Podman off its network while it goes on', { skip }, async () => {
  const network = here.network('cut', '10.231.12.0/24');
  const name = here.run('cut', ['--network', network]);
  const { undo } = await carryOut(actionsFor({ core: name })('containers.disconnect'), {
    select: { services: ['core'] },
  });
  assert.deepEqual(Object.keys((await engine.inspect(name)).NetworkSettings?.Networks ?? {}), []);
  assert.equal(await stateOf(name), 'running');
  assert.doesNotMatch(here.podman('exec', name, '/bin/busybox', 'ip', 'address'), /10\.231\.12\./);
  await undo();
  assert.match(here.podman('exec', name, '/bin/busybox', 'ip', 'address'), /10\.231\.12\./);
});

test('containers.audit and .save-logs keep what a container of Podman does, holds and wrote', { skip }, async () => {
  const network = here.network('seen', '10.231.13.0/24');
  const name = here.run(
    'seen',
    ['--network', network, '--cap-add', 'SYS_ADMIN'],
    ['/bin/sh', '-c', 'echo hello; /bin/nc -l -p 7777 & exec /bin/sleep 600'],
  );
  const action = actionsFor({ core: name }, 'seen');
  await until(async () => (await engine.logs(name)).bytes.includes('hello'));
  const read = (file: string) => readFileSync(join(place.dir, 'seen', file), 'utf8');
  const logs = await carryOut(action('containers.save-logs'), { select: { services: ['core'] } });
  assert.match(read((logs.done.evidence!['logs'] as { file: string }[])[0]!.file), /^20\S+ hello\n$/);
  const { done } = await carryOut(action('containers.audit'), { select: { services: ['core'] } });
  const [audit] = done.evidence!['audits'] as { file: string; sockets: number; asRoot: number }[];
  const report = JSON.parse(read(audit!.file));
  assert.deepEqual(
    report.sockets.map(({ state, local }: { state: string; local: string }) => [state, local]),
    [['listen', '[::]:7777']],
  );
  assert.equal(audit!.asRoot, 2);
  assert.match(report.rights.effective, /^[0-9a-f]{16}$/);
  assert.ok(BigInt(`0x${report.rights.effective}`) & (1n << 21n));
});

test('compose.down stops a whole deployment of Podman and containers.start-staged brings it back', {
  skip,
}, async () => {
  const roles = ['monitoring', 'core', 'model'] as const;
  const names = roles.map((role) => here.run(`whole-${role}`, ['--network', 'none']));
  const action = actionsFor({ monitoring: names[0]!, core: names[1]!, model: names[2]! });
  const down = await carryOut(action('compose.down'), { evenLast: true });
  for (const name of names) assert.equal(await stateOf(name), 'exited');
  await carryOut(action('containers.start-staged'), { roles: [...roles] });
  for (const name of names) assert.equal(await stateOf(name), 'running');
  const { done } = await carryOut(action('health.check'), { select: { roles: [...roles] } });
  assert.deepEqual(done.out, { __out__: 'true' });
  await down.undo();
  const [monitoring] = names;
  await engine.kill(monitoring!);
  await until(async () => (await stateOf(monitoring!)) === 'exited');
  await carryOut(action('containers.prune'), {});
  assert.ok(!(await engine.list({ all: true })).some(({ name }) => name === monitoring));
});
