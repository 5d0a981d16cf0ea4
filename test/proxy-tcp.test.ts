// Each TCP fault on real sockets: what it does, that it can go at any time, and that nothing else is touched.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { listen, pause, type Rig, startRig, type Wire, wire } from './proxy-rig.ts';

let rig: Rig;
let echo: { port: number; close(): void };
let count = 0;
before(async () => {
  rig = await startRig();
  echo = await listen((socket) => socket.pipe(socket));
});
after(async () => {
  await rig.close();
  echo.close();
});

interface Setup {
  name: string;
  port: number;
  toxic(type: string, attributes?: object, more?: object): Promise<string>;
  drop(toxic: string): Promise<number>;
}

async function setup(upstream = echo.port): Promise<Setup> {
  const name = `p${++count}`;
  const port = await rig.proxy(name, upstream);
  return {
    name,
    port,
    async toxic(type, attributes = {}, more = {}) {
      const made = await rig.ask('POST', `/proxies/${name}/toxics`, { type, attributes, ...more });
      assert.equal(made.status, 200, made.body);
      return (JSON.parse(made.body) as { name: string }).name;
    },
    async drop(toxic) {
      const began = performance.now();
      assert.equal((await rig.ask('DELETE', `/proxies/${name}/toxics/${toxic}`)).status, 204);
      return performance.now() - began;
    },
  };
}

/** A busy machine may be late by this much, far less than what the longest faults hold back; one that is early is never excused. */
const lateMs = 30_000;
const about = (ms: number, asked: number) =>
  assert.ok(ms >= asked - 15 && ms < asked + lateMs, `${ms} ms for ${asked}`);

async function echoed(client: Wire, bytes: number): Promise<number> {
  const before = client.got().length;
  client.socket.write(Buffer.alloc(bytes, 'x'));
  return client.bytes(before + bytes);
}

test('proxy passes megabytes unharmed in both directions', async () => {
  const client = await wire((await setup()).port);
  const data = randomBytes(5_000_000);
  client.socket.end(data);
  await client.bytes(data.length);
  const sum = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  assert.equal(sum(client.got()), sum(data));
  assert.equal((await client.ended()).how, 'fin');
});

test('proxy passes a half-close on and the answer that comes after it', async () => {
  const late = await listen((socket) => {
    let size = 0;
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    socket.on('end', () => setTimeout(() => socket.end(`got ${size}`), 50));
  });
  const client = await wire((await setup(late.port)).port);
  client.socket.end('all of it');
  await client.bytes(5);
  assert.equal(client.got().toString(), 'got 9');
  assert.equal((await client.ended()).how, 'fin');
  late.close();
});

test('proxy ends a client in order when nobody listens upstream', async () => {
  const nobody = await listen(() => {});
  nobody.close();
  await pause(20);
  const client = await wire((await setup(nobody.port)).port);
  assert.equal((await client.ended()).how, 'fin');
});

test('proxy passes a reset by one side on to the other', async () => {
  const resetter = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const client = await wire((await setup(resetter.port)).port);
  client.socket.write('x');
  assert.equal((await client.ended()).how, 'rst');
  resetter.close();
});

test('latency delays each chunk once, in both directions when both have it', async () => {
  const { port, toxic } = await setup();
  const client = await wire(port);
  await toxic('latency', { latency: 150 });
  about(await echoed(client, 10), 150);
  await toxic('latency', { latency: 150 }, { stream: 'upstream' });
  about(await echoed(client, 10), 300);
  client.socket.destroy();
});

test('bandwidth paces bytes by kilobytes of 1000, and 0 lets nothing through', async () => {
  const { port, toxic, drop, name } = await setup();
  const client = await wire(port);
  const limit = await toxic('bandwidth', { rate: 100 });
  about(await echoed(client, 40_000), 400);
  await rig.ask('PATCH', `/proxies/${name}/toxics/${limit}`, { attributes: { rate: 0 } });
  client.socket.write('stuck');
  await pause(150);
  assert.equal(client.got().length, 40_000);
  await drop(limit);
  await client.bytes(40_005);
  client.socket.destroy();
});

test('slow_close holds back the end and nothing else', async () => {
  const { port, toxic } = await setup();
  await toxic('slow_close', { delay: 300 });
  const client = await wire(port);
  assert.ok((await echoed(client, 10)) < lateMs);
  client.socket.end();
  about((await client.ended()).ms, 300);
});

test('timeout swallows everything, closes after silence, and closes when it is taken away', async () => {
  const { port, toxic, drop } = await setup();
  await toxic('timeout', { timeout: 250 }, { stream: 'upstream' });
  const silent = await wire(port);
  silent.socket.write('x');
  about((await silent.ended()).ms, 250);
  await drop('timeout_upstream');
  await toxic('timeout', { timeout: 0 });
  const held = await wire(port);
  held.socket.write('x');
  await pause(300);
  assert.equal(held.got().length, 0);
  await drop('timeout_downstream');
  assert.equal((await held.ended()).how, 'fin');
});

test('reset_peer resets after the first bytes, also on a connection that was there before', async () => {
  const { port, toxic } = await setup();
  const client = await wire(port);
  await echoed(client, 3);
  await toxic('reset_peer', { timeout: 100 });
  client.socket.write('x');
  const { how, ms } = await client.ended();
  assert.equal(how, 'rst');
  about(ms, 100);
});

test('slicer cuts chunks into pieces, and with zeros leaves them whole', async () => {
  const sizes: number[] = [];
  const sink = await listen((socket) => socket.on('data', (chunk: Buffer) => sizes.push(chunk.length)));
  const { port, toxic, name } = await setup(sink.port);
  await toxic('slicer', {}, { stream: 'upstream', name: 's' });
  const client = await wire(port);
  client.socket.write(Buffer.alloc(1000));
  while (sizes.length === 0) await pause(5);
  assert.deepEqual(sizes, [1000]);
  const attributes = { average_size: 100, size_variation: 20, delay: 20_000 };
  await rig.ask('PATCH', `/proxies/${name}/toxics/s`, { attributes });
  client.socket.write(Buffer.alloc(1000));
  while (sizes.reduce((a, b) => a + b, 0) < 2000) await pause(5);
  assert.ok(sizes.length >= 6, `${sizes}`);
  client.socket.destroy();
  sink.close();
});

test('limit_data lets exactly so many bytes through on each connection, then closes', async () => {
  const { port, toxic } = await setup();
  await toxic('limit_data', { bytes: 7 });
  for (const _ of [1, 2]) {
    const client = await wire(port);
    client.socket.write('1234567890');
    assert.equal((await client.ended()).how, 'fin');
    assert.equal(client.got().toString(), '1234567');
  }
});

test('noop changes nothing, and enabled false refuses and ends everyone in order', async () => {
  const { port, toxic, name } = await setup();
  await toxic('noop');
  const client = await wire(port);
  await echoed(client, 5);
  await rig.ask('PATCH', `/proxies/${name}`, { enabled: false });
  assert.equal((await client.ended()).how, 'fin');
  await assert.rejects(wire(port), { code: 'ECONNREFUSED' });
  await rig.ask('PATCH', `/proxies/${name}`, { enabled: true });
  const again = await wire(port);
  await echoed(again, 5);
  again.socket.destroy();
});

test('toxicity is drawn per connection and follows from the seed', async () => {
  const touched = async (seed: number): Promise<string> => {
    const own = await startRig({ seed });
    const port = await own.proxy('drawn', echo.port);
    const toxic = { type: 'limit_data', attributes: { bytes: 1 }, toxicity: 0.5 };
    await own.ask('POST', '/proxies/drawn/toxics', toxic);
    let pattern = '';
    for (let i = 0; i < 24; i++) {
      const client = await wire(port);
      client.socket.end('ab');
      await client.ended();
      pattern += client.got().length === 1 ? 'x' : '.';
    }
    await own.close();
    return pattern;
  };
  const [first, again, other] = [await touched(1), await touched(1), await touched(2)];
  assert.equal(again, first);
  assert.notEqual(other, first);
  assert.ok(first.includes('x') && first.includes('.'), first);
});

test('toxics go at once under traffic, whatever they hold back', async () => {
  let flowing = true;
  const feed = (socket: Socket) => {
    const push = () => {
      while (flowing && !socket.destroyed && socket.write(Buffer.alloc(16_384, 'y')));
    };
    socket.on('drain', push).resume();
    push();
  };
  const source = await listen(feed);
  const { port, toxic, drop, name } = await setup(source.port);
  const kinds: [string, object][] = [
    ['bandwidth', { rate: 0 }],
    ['latency', { latency: 3_600_000 }],
    ['slicer', { average_size: 1, delay: 1_000_000 }],
    ['bandwidth', { rate: 1 }],
  ];
  for (const [type, attributes] of kinds) {
    const client = await wire(port);
    await client.bytes(100_000);
    const made = await toxic(type, attributes);
    await pause(60);
    const held = client.got().length;
    const took = await drop(made);
    assert.ok(took < lateMs, `${type}: ${took} ms`);
    await client.bytes(held + 1_000_000);
    client.socket.destroy();
  }
  for (const [type, attributes] of kinds.slice(0, 3)) await toxic(type, attributes);
  const client = await wire(port);
  await pause(50);
  const began = performance.now();
  assert.equal((await rig.ask('POST', '/reset')).status, 204);
  assert.ok(performance.now() - began < lateMs);
  await client.bytes(1_000_000);
  assert.equal((await rig.ask('GET', `/proxies/${name}/toxics`)).body, '[]');
  flowing = false;
  client.socket.destroy();
  source.close();
});

for (const [what, toxics, reads] of [
  ['proxy does not read more than its client takes', [], false],
  ['bandwidth does not read more than it can hold', [['bandwidth', { rate: 0 }]], true],
] as [string, [string, object][], boolean][]) {
  test(what, async () => {
    let accepted = 0;
    const source = await listen((socket) => {
      const push = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) accepted += 65_536;
      };
      socket.on('drain', push).resume();
      push();
    });
    const { port, toxic } = await setup(source.port);
    for (const [type, attributes] of toxics) await toxic(type, attributes);
    const client = await wire(port);
    if (!reads) client.socket.pause();
    await pause(400);
    assert.ok(accepted < 24_000_000, `${accepted} bytes were taken in`);
    client.socket.destroy();
    source.close();
  });
}

test('leases end a toxic and an outage by themselves, and can be begun anew', async () => {
  const { port, toxic, name } = await setup();
  const client = await wire(port);
  const began = performance.now();
  await toxic('latency', { latency: 60_000 }, { ttlMs: 1_000 });
  client.socket.write('x');
  await client.bytes(1);
  about(performance.now() - began, 1_000);
  assert.equal((await rig.ask('GET', `/proxies/${name}/toxics`)).body, '[]');
  await toxic('noop', {}, { ttlMs: 1_500 });
  const longer = await rig.ask('PUT', `/rempart/proxies/${name}/toxics/noop_downstream/lease`, { ttlMs: 60_000 });
  assert.equal(longer.status, 204);
  await rig.ask('PATCH', `/proxies/${name}`, { enabled: false, ttlMs: 2_000 });
  await assert.rejects(wire(port));
  const seen = async () => (await rig.ask('GET', `/proxies/${name}`)).body;
  for (let looks = 0; !/"enabled":true/.test(await seen()); looks++) {
    assert.ok(looks < 600, 'it ends by itself');
    await pause(100);
  }
  assert.match(await seen(), /noop_downstream/);
  (await wire(port)).socket.destroy();
  client.socket.destroy();
  const wrong = await rig.ask('POST', `/proxies/${name}/toxics`, { type: 'latency', ttlMs: 0 });
  assert.deepEqual([wrong.status, wrong.body.includes('ttlMs must be between')], [400, true]);
});
