// The process engine as its clients see it: over its socket, with the processes themselves as witnesses.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isSameProcess } from '../../platform/base/process-identity.ts';
import { type ProcessEngine, startProcessEngine } from './process-engine.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-engine-'));
const owned: number[] = [];
let engine: ProcessEngine;

before(async () => {
  engine = await startProcessEngine({ dir, now: Date.now, owned: (pid) => owned.push(pid) }, [
    { name: 'core', image: 'drill', networks: ['private'] },
    { name: 'model', image: 'drill', networks: ['private'] },
  ]);
});
after(async () => {
  await engine.close();
  rmSync(dir, { recursive: true, force: true });
});

function ask(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: engine.socket, method, path: `/v1.41${path}` }, async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode ?? 0, text });
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const reach = async (name: string) => {
  const response = await fetch(`http://127.0.0.1:${engine.container(name)!.port}/health`);
  return response.text();
};

test('startProcessEngine() kills the process of a container, which then answers no more, and starts it again', async () => {
  const pid = engine.container('core')!.pid();
  assert.equal(isSameProcess(pid, null), true);
  assert.equal(await reach('core'), 'core ok\n');
  assert.equal((await ask('POST', '/containers/core/kill')).status, 204);
  assert.equal(isSameProcess(pid, null), false);
  await assert.rejects(reach('core'));
  assert.equal((await ask('POST', '/containers/core/kill')).status, 409);
  const shown = JSON.parse((await ask('GET', '/containers/core/json')).text);
  assert.deepEqual([shown.State.Status, shown.State.ExitCode], ['exited', 137]);
  assert.equal((await ask('POST', '/containers/core/start')).status, 204);
  assert.equal((await ask('POST', '/containers/core/start')).status, 304);
  assert.equal(await reach('core'), 'core ok\n');
});

test('startProcessEngine() lets nobody reach a container that was disconnected, until it is connected again', async () => {
  assert.equal((await ask('POST', '/networks/private/disconnect', { Container: 'model' })).status, 200);
  await assert.rejects(reach('model'));
  assert.equal(isSameProcess(engine.container('model')!.pid(), null), true);
  assert.equal((await ask('POST', '/networks/private/connect', { Container: 'model' })).status, 200);
  assert.equal(await reach('model'), 'model ok\n');
});

test('startProcessEngine() tells of a process that is started in a container, shows it, and ends it with the container', async () => {
  const seen: { Action: string; Actor: { Attributes: Record<string, string> } }[] = [];
  const following = request({ socketPath: engine.socket, path: '/events' }, (response) => {
    response.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n')) if (line !== '') seen.push(JSON.parse(line));
    });
    response.on('error', () => undefined);
  });
  following.on('error', () => undefined);
  following.end();
  const { Id } = JSON.parse(
    (await ask('POST', '/containers/core/exec', { Cmd: ['sleep', '600'], Privileged: true, User: '0' })).text,
  );
  assert.equal((await ask('POST', `/exec/${Id}/start`, { Detach: true })).status, 200);
  const inside = JSON.parse((await ask('GET', `/exec/${Id}/json`)).text);
  assert.deepEqual([inside.Running, inside.ProcessConfig.privileged], [true, true]);
  const top = JSON.parse((await ask('GET', '/containers/core/top')).text);
  assert.ok(top.Processes.some((row: string[]) => row.join(' ').includes('sleep 600')));
  await ask('POST', '/containers/core/kill');
  assert.equal(isSameProcess(inside.Pid, null), false);
  await ask('POST', '/containers/core/start');
  const told = seen.map(({ Action }) => Action);
  assert.ok(told.includes('exec_create: sleep 600') && told.includes('exec_start: sleep 600') && told.includes('die'));
  assert.equal(seen[0]?.Actor.Attributes['name'], 'core');
  following.destroy();
});

test('startProcessEngine() holds a paused container still, and hands out its log in frames', async () => {
  assert.equal((await ask('POST', '/containers/model/pause')).status, 204);
  await assert.rejects(reach('model'));
  assert.equal((await ask('POST', '/containers/model/unpause')).status, 204);
  const { text } = await ask('GET', '/containers/model/logs?stdout=1');
  assert.equal(text.slice(8), 'model: serving\n');
  assert.equal((await ask('GET', '/containers/nobody/json')).status, 404);
});

test('startProcessEngine() names each process that it starts, so that another one can end them', () => {
  assert.ok(owned.length >= 4);
  assert.ok(owned.includes(engine.container('core')!.pid()));
});
