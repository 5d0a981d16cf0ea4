import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RempartError } from '../base/errors.ts';
import { type ContainerEngine, type EngineEvent, openContainerEngine } from './container-engine.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-engine-'));
after(() => rmSync(dir, { recursive: true, force: true }));
let count = 0;

async function against<T>(
  answer: RequestListener,
  use: (engine: ContainerEngine) => Promise<T>,
  limits: { timeoutMs?: number; maxBytes?: number } = {},
): Promise<T> {
  const socketPath = join(dir, `${count++}.sock`);
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const engine = openContainerEngine({ socketPath, ...limits });
  try {
    return await use(engine);
  } finally {
    await engine.close();
    server.closeAllConnections();
    server.close();
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof RempartError ? error.code : `not ours: ${String(error)}`),
  );
}

const refusals: [number, string, string][] = [
  [404, '{"message":"no such container"}', 'ERR_ENGINE_CONTAINER'],
  [409, '{"message":"is not running"}', 'ERR_ENGINE_REFUSED'],
  [500, 'not JSON', 'ERR_ENGINE_REFUSED'],
];
for (const [status, body, code] of refusals)
  test(`openContainerEngine() makes ${code} of ${status} to a kill`, async () => {
    const answer: RequestListener = (_request, response) => response.writeHead(status).end(body);
    assert.equal(await against(answer, (engine) => codeOf(engine.kill('app'))), code);
  });

test('openContainerEngine() takes 304 for done: it was stopped already', async () => {
  await against(
    (_request, response) => response.writeHead(304).end(),
    (engine) => engine.stop('app', 0),
  );
});

test('openContainerEngine() tells why it was refused without control characters, and not at length', async () => {
  const message = `\u001b[31mno\r\nforged\u202e${'x'.repeat(5_000)}`;
  const error = await against(
    (_request, response) => response.writeHead(409).end(JSON.stringify({ message })),
    (engine) =>
      engine.kill('app').then(
        () => undefined,
        (thrown: unknown) => thrown,
      ),
  );
  assert.ok(error instanceof RempartError);
  assert.match(error.message, /\[31mno forged x/);
  assert.doesNotMatch(error.message, /\p{C}/u);
  assert.ok(error.message.length < 400);
});

test('openContainerEngine() gives up on an engine that is slow, whether before or in the middle of its answer', async () => {
  const silent: RequestListener = () => undefined;
  const halfway: RequestListener = (_request, response) => void response.writeHead(200).write('[');
  for (const answer of [silent, halfway])
    assert.equal(await against(answer, (engine) => codeOf(engine.list()), { timeoutMs: 200 }), 'ERR_ENGINE_TIMEOUT');
});

test('openContainerEngine() says that the engine is not reachable when there is no socket or it is cut', async () => {
  const gone = openContainerEngine({ socketPath: join(dir, 'none.sock') });
  assert.equal(await codeOf(gone.list()), 'ERR_ENGINE_UNREACHABLE');
  await gone.close();
  const cut: RequestListener = (_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('[');
    setTimeout(() => response.destroy(), 20);
  };
  assert.equal(await against(cut, (engine) => codeOf(engine.list())), 'ERR_ENGINE_UNREACHABLE');
});

test('openContainerEngine() refuses an answer that is too large, that is no JSON, or of another shape', async () => {
  const huge: RequestListener = (_request, response) => response.end(`["${'x'.repeat(300_000)}"]`);
  const text: RequestListener = (_request, response) => response.end('<html>');
  const other: RequestListener = (_request, response) => response.end('{"Id":7}');
  for (const answer of [huge, text, other])
    assert.equal(
      await against(answer, (engine) => codeOf(engine.inspect('app')), { maxBytes: 100_000 }),
      'ERR_ENGINE_ANSWER',
    );
});

test('openContainerEngine() reads an answer up to its limit and no further', async () => {
  const list = JSON.stringify([{ Id: 'x'.repeat(1_000) }]);
  const answer: RequestListener = (_request, response) => response.end(list);
  const maxBytes = list.length;
  assert.equal((await against(answer, (engine) => engine.list(), { maxBytes })).length, 1);
  assert.equal(
    await against(answer, (engine) => codeOf(engine.list()), { maxBytes: maxBytes - 1 }),
    'ERR_ENGINE_ANSWER',
  );
});

test('openContainerEngine() lets no name of a container lead to another path', async () => {
  const seen: (string | undefined)[] = [];
  await against(
    ({ url }, response) => {
      seen.push(url);
      response.writeHead(204).end();
    },
    async (engine) => {
      assert.equal(await codeOf(engine.kill('..')), 'ERR_ENGINE_CONTAINER');
      assert.equal(await codeOf(engine.kill('')), 'ERR_ENGINE_CONTAINER');
      await engine.kill('../networks/x?force=1#');
    },
  );
  assert.deepEqual(seen, ['/containers/..%2Fnetworks%2Fx%3Fforce%3D1%23/kill?signal=SIGKILL']);
});

test('openContainerEngine() stops asking when its signal says so, with the reason of the signal', async () => {
  const reason = new Error('told to stop');
  const stop = new AbortController();
  const asked = against(
    () => stop.abort(reason),
    (engine) => engine.within(stop.signal).list(),
  );
  await assert.rejects(asked, (error) => error === reason);
});

test('events() puts lines together again and passes over what is no event', async () => {
  const event = {
    Type: 'container',
    Action: 'die',
    Actor: { ID: 'a1', Attributes: { name: 'app' } },
    timeNano: 1.5e18,
  };
  const line = `${JSON.stringify(event)}\n`;
  let asked = '';
  const answer: RequestListener = ({ url }, response) => {
    asked = decodeURIComponent(url ?? '');
    response.write(`garbage\n{"Type":1}\n${line.slice(0, 20)}`);
    setTimeout(() => response.end(`${line.slice(20)}${line}`), 20);
  };
  const events = await against(answer, async (engine) => {
    const all: EngineEvent[] = [];
    for await (const one of await engine.events({ types: ['container'], actions: ['die'], sinceMs: 1_500 }))
      all.push(one);
    return all;
  });
  assert.equal(events.length, 2);
  assert.deepEqual(events[0], {
    type: 'container',
    action: 'die',
    id: 'a1',
    name: 'app',
    attributes: { name: 'app' },
    timeMs: 1.5e12,
  });
  assert.match(asked, /since=1\.500/);
  assert.match(asked, /"type":\["container"\],"event":\["die"\]/);
});

test('events() ends with an error when one line goes on for ever', async () => {
  const answer: RequestListener = (_request, response) => response.end('x'.repeat(2 * 1024 * 1024));
  const read = async (engine: ContainerEngine) => {
    for await (const _ of await engine.events()) assert.fail('there is no event');
  };
  assert.equal(await against(answer, (engine) => codeOf(read(engine))), 'ERR_ENGINE_ANSWER');
});

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test('logs() takes the frames apart however they are cut, and keeps the newest bytes', async () => {
  const whole = Buffer.concat([frame(1, 'one\n'), frame(2, 'two\n'), frame(1, `${'x'.repeat(30)}\n`)]);
  const answer: RequestListener = async (_request, response) => {
    response.writeHead(200);
    for (const byte of whole) {
      response.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    response.end();
  };
  await against(answer, async (engine) => {
    const all = await engine.logs('app');
    assert.equal(all.bytes.toString(), `one\ntwo\n${'x'.repeat(30)}\n`);
    assert.equal(all.dropped, 0);
    const newest = await engine.logs('app', { maxBytes: 5 });
    assert.equal(newest.bytes.toString(), 'xxxx\n');
    assert.equal(newest.dropped, 34);
  });
});

test('logs() refuses what is no frame, and takes it as it is from a terminal', async () => {
  const answer: RequestListener = (_request, response) => response.end('plain text\n');
  await against(answer, async (engine) => {
    assert.equal(await codeOf(engine.logs('app')), 'ERR_ENGINE_ANSWER');
    assert.equal((await engine.logs('app', { tty: true })).bytes.toString(), 'plain text\n');
  });
});
