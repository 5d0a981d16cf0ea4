// The client of the engine's API and the actions upon containers, against containers of a real Podman.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type ContainerEngine,
  type EngineEvent,
  openContainerEngine,
} from '../src/platform/containers/container-engine.ts';
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
