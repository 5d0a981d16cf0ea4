// Workers that die, each in another way: those in hand are told where that can be, another worker follows, and nothing that was counted is lost.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { run, until } from './instance.ts';
import { startWorkersRig, type WorkersRig, workerOf } from './workers-rig.ts';

let rig: WorkersRig;
before(async () => {
  rig = await startWorkersRig();
});
after(() => rig.close());

for (const [how, cause] of [
  ['throw', 'exception'],
  ['exit', 'exit'],
] as const) {
  test(`a worker that ends by "${how}" tells those in hand, is replaced, and takes no count and no place with it`, async () => {
    await rig.allServe();
    await Promise.all(Array.from({ length: 10 }, () => rig.ask('hello').end));
    const count = await rig.answered();
    const stream = rig.ask('slowly', { stream: true });
    const native = rig.ask('slowly', { stream: true, path: '/api/chat' });
    const doomed = workerOf(await stream.began);
    const other = workerOf(await native.began);
    const plain = Array.from({ length: 16 }, () => rig.ask('slowly'));
    await until(() => rig.owed() === 18);
    await rig.fail(how, doomed);
    const cut = await stream.end;
    assert.equal(cut.code, undefined, 'the stream has an end');
    assert.match(cut.text, /^data: \{"id"[\s\S]*data: \{"error":.*ERR_WORKER_LOST/);
    assert.ok(!cut.text.includes('[DONE]'));
    if (other === doomed) assert.match((await native.end).text, /ERR_WORKER_LOST[^\n]*\n$/);
    rig.pay();
    const ends = await Promise.all(plain.map(({ end }) => end));
    const told = ends.filter(({ status }) => status === 503);
    assert.ok(told.length > 0, 'of sixteen some were in its hand');
    for (const { text, headers } of told) {
      assert.match(text, /"error":\{.*ERR_WORKER_LOST/);
      assert.equal(headers['x-should-retry'], 'true');
    }
    assert.equal(ends.filter(({ status }) => status === 200).length, 16 - told.length, 'the other worker ends its own');
    assert.equal(await rig.lost(cause), 1);
    await rig.allServe();
    assert.ok((await rig.answered()) >= count, 'what the dead one counted is still counted');
    // All forty places of the key are free again.
    const filled = Array.from({ length: 40 }, () => rig.ask('slowly'));
    await until(() => rig.owed() === 40);
    rig.pay();
    assert.deepEqual(
      [...new Set((await Promise.all(filled.map(({ end }) => end))).map(({ status }) => status))],
      [200],
    );
  });
}

test('a worker whose heap is full breaks the connections it has, is replaced, and the instance lives on', async () => {
  await rig.allServe();
  const stream = rig.ask('slowly', { stream: true });
  await rig.fail('memory', workerOf(await stream.began));
  assert.equal((await stream.end).code, 'ECONNRESET');
  // Who takes very long to fill it has stopped moving before.
  assert.ok((await rig.lost('memory')) + (await rig.lost('stuck')) >= 1);
  await rig.allServe();
  assert.equal((await rig.ask('hello').end).status, 200);
  rig.pay();
});

test('a worker that finds its heap nearly full ends what it has in hand while another one takes its place', async () => {
  await rig.allServe();
  const before = await rig.lost('memory');
  const stream = rig.ask('slowly', { stream: true });
  const full = workerOf(await stream.began);
  await rig.fail('full', full);
  assert.equal(await rig.lost('memory'), before + 1);
  await rig.allServe();
  rig.pay();
  const { text, code } = await stream.end;
  assert.equal(code, undefined);
  assert.match(text, /\[DONE\]/);
  const answers = await Promise.all(Array.from({ length: 20 }, () => rig.ask('hello').end));
  assert.ok(answers.every(({ status, headers }) => status === 200 && workerOf(headers) !== full));
});

test('a worker that dies again and again is replaced ever more slowly, and told of; the other one serves', async () => {
  await rig.allServe();
  const signals = () =>
    rig.instance
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"signal":"worker-lost"'));
  const before = signals().length;
  writeFileSync(rig.failWhile, '');
  try {
    await until(() => signals().length >= before + 3);
    const { state, cause } = await rig.ready();
    assert.deepEqual([state, cause], ['degraded', 'crash-loop']);
    const about = signals().map((line) => JSON.parse(line) as { severity: string; facts: { times: number } });
    assert.ok(about.some(({ severity, facts }) => severity === 'high' && facts.times >= 3));
    await until(async () => (await rig.ask('hello').end).status === 200);
  } finally {
    rmSync(rig.failWhile);
  }
  await rig.allServe();
});

test('the journal holds after all that, and tells of each worker that was lost', async () => {
  const exported = await run(['journal', 'export'], { cwd: rig.place.dir });
  assert.ok(exported.stdout.split('\n').filter((line) => line.includes('"phase":"worker"')).length >= 5);
  assert.equal((await run(['journal', 'verify'], { cwd: rig.place.dir })).code, 0);
});

test('Ctrl-C lets the workers end what they have in hand', async () => {
  await rig.allServe();
  const streams = [1, 2, 3, 4].map(() => rig.ask('slowly', { stream: true }));
  await Promise.all(streams.map(({ began }) => began));
  const ended = rig.instance.stop();
  await until(async () => !(await isListening(rig.instance.gatewayUrl)));
  rig.pay();
  for (const { end } of streams) assert.match((await end).text, /\[DONE\]/);
  assert.equal((await ended).code, 0);
});

/** Whether somebody takes a connection there. */
function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
