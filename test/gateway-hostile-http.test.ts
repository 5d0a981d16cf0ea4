// A data plane before hostile HTTP over raw sockets: each malformed, oversized or slow message beside an ordinary one that passes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { userKey } from './gateway-rig.ts';
import {
  actedOn,
  allOf,
  answers,
  auth,
  body,
  chunked,
  head,
  open,
  ordinary,
  plane,
  raw,
  smuggled,
  socketTo,
  statusOf,
} from './hostile-http-rig.ts';

test('the data plane answers the ordinary request of each form', async () => {
  for (const good of [
    ordinary,
    head('transfer-encoding: chunked\r\nconnection: close\r\n') + chunked,
    `GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:${plane.port}\r\n${auth}connection: close\r\n\r\n`,
    `GET http://localhost/v1/models HTTP/1.1\r\nhost: localhost\r\n${auth}connection: close\r\n\r\n`,
  ])
    assert.equal(statusOf(await raw(good)), 200, good.split('\r\n')[0]);
});

for (const [what, text] of [
  ['length and chunks', head(`content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n`) + chunked + smuggled],
  ['chunks and length', head(`transfer-encoding: chunked\r\ncontent-length: 4\r\n`) + chunked + smuggled],
  ['two lengths', head('content-length: 5\r\ncontent-length: 60\r\n') + body + smuggled],
  ['two equal lengths', head(`content-length: ${body.length}\r\ncontent-length: ${body.length}\r\n`) + body + smuggled],
  ['a list of lengths', head(`content-length: ${body.length}, ${body.length}\r\n`) + body + smuggled],
  ['a signed length', head(`content-length: +${body.length}\r\n`) + body + smuggled],
  ['a negative length', head('content-length: -1\r\n') + body],
  ['a length with text', head(`content-length: ${body.length}x\r\n`) + body],
  ['a hexadecimal length', head('content-length: 0x10\r\n') + body],
  ['two codings', head('transfer-encoding: gzip, chunked\r\n') + chunked + smuggled],
  ['a coding twice', head('transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n') + chunked + smuggled],
  [
    'a coding hidden by another',
    head('transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n') + chunked + smuggled,
  ],
  ['a misspelt coding', head('transfer-encoding: xchunked\r\n') + chunked + smuggled],
  ['a coding behind a tab', head('transfer-encoding:\tchunked\x0b\r\n') + chunked],
  ['a blank before the colon', head('transfer-encoding : chunked\r\n') + chunked + smuggled],
  ['a chunk size that is none', `${head('transfer-encoding: chunked\r\n')}zz\r\n${body}\r\n0\r\n\r\n`],
  ['a negative chunk size', `${head('transfer-encoding: chunked\r\n')}-1\r\n${body}\r\n0\r\n\r\n`],
  [
    'a chunk size beyond all numbers',
    `${head('transfer-encoding: chunked\r\n')}fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`,
  ],
  [
    'a chunk that ends in a bare line feed',
    `${head('transfer-encoding: chunked\r\n')}${body.length.toString(16)}\n${body}\r\n0\r\n\r\n`,
  ],
  ['a folded header', head('x-one: a\r\n b\r\ncontent-length: 0\r\n')],
  ['a header that is folded at once', `POST /v1/chat/completions HTTP/1.1\r\n host: localhost\r\n\r\n`],
  ['bare line feeds', head(`content-length: ${body.length}\r\n`).replaceAll('\r\n', '\n') + body],
  ['a bare carriage return', head(`x-a: b\rcontent-length: 3\r\n`)],
  ['a nought in a header', head('x-a: b\0c\r\n')],
  ['an expectation of its own', head(`expect: 200-maybe\r\ncontent-length: ${body.length}\r\n`) + body + smuggled],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['chunks in HTTP/1.0', head('transfer-encoding: chunked\r\n', 'POST /v1/chat/completions HTTP/1.0') + chunked],
  ['an extension of a chunk without an end', `${head('transfer-encoding: chunked\r\n')}5;x=${'a'.repeat(20_000)}\r\n`],
  ['two hosts', `GET /v1/models HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n${auth}\r\n`],
  ['no host', `GET /v1/models HTTP/1.1\r\n${auth}\r\n`],
  ['an empty host', `GET /v1/models HTTP/1.1\r\nhost:\r\n${auth}\r\n`],
  ['two credentials', `GET /v1/models HTTP/1.1\r\nhost: localhost\r\n${auth}authorization: Bearer other\r\n\r\n`],
  ['an unknown protocol', `GET /v1/models HTTP/3.7\r\nhost: localhost\r\n${auth}\r\n`],
  ['a protocol that is not spoken in lines', `GET /v1/models HTTP/2.0\r\nhost: localhost\r\n${auth}\r\n`],
  ['a protocol of its own', `GET /v1/models EVIL/1.1\r\nhost: localhost\r\n\r\n`],
  ['a whole other message', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['an address of another host', `GET http://evil.example/v1/models HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
  ['another host in Host', `GET http://localhost/v1/models HTTP/1.1\r\nhost: evil.example\r\n${auth}\r\n`],
  ['an address with a name in it', `GET http://localhost@evil.example/ HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
  ['an address that is a star', `GET * HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
  ['an address with a backslash', `GET /v1\\models HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
  ['an address that is too long', `GET /${'a'.repeat(5_000)} HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
  ['TRACE', `TRACE / HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
  ['CONNECT', `CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
  ['PROPFIND', `PROPFIND / HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
  ['a method of its own', `EVIL / HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`],
] as const)
  test(`the data plane refuses ${what} with one 4xx, and closes`, async () => {
    const before = actedOn();
    const answer = await raw(text);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, answer.slice(0, 200));
    assert.equal(answers(answer), 1, 'what came after it is not answered');
    assert.match(answer, /connection: close/i);
    assert.match(answer, /x-content-type-options: nosniff/i);
    assert.match(answer, /x-request-id: req_[0-9a-f]{32}\r\n/i);
    assert.deepEqual(actedOn(), before, 'nothing acted on it, nor on what came after it');
    JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  });

test('the data plane refuses headers that are too large or too many, and takes those within the bounds', async () => {
  const ask = (more: string) =>
    raw(`GET /v1/models HTTP/1.1\r\nhost: localhost\r\n${auth}connection: close\r\n${more}\r\n`);
  assert.equal(statusOf(await ask(`x-a: ${'a'.repeat(8_000)}\r\n`)), 200);
  assert.equal(statusOf(await ask(`x-a: ${'a'.repeat(20_000)}\r\n`)), 431);
  const many = (count: number) => Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join('');
  assert.equal(statusOf(await ask(many(90))), 200);
  assert.equal(statusOf(await ask(many(120))), 431);
  assert.equal(statusOf(await ask(`${many(1_200)}`)), 431, 'far more than are kept');
  const ollama = await raw(`GET /api/tags HTTP/1.1\r\nhost: localhost\r\nx-a: ${'a'.repeat(20_000)}\r\n\r\n`);
  assert.equal(
    typeof JSON.parse(ollama.slice(ollama.indexOf('\r\n\r\n') + 4)).error,
    'string',
    'in the dialect’s shape',
  );
});

test('the data plane is not held by a client that sends its headers or its body a byte at a time', async () => {
  const quick = await open({ server: { headersMs: 300, requestMs: 600, checkEveryMs: 50 } });
  for (const text of [
    'GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx-a: ',
    head('content-length: 5000\r\n') + '{"model":"',
  ]) {
    const socket = await socketTo(quick);
    const drip = setInterval(() => socket.writable && socket.write('a'), 40);
    socket.write(text);
    const answer = await allOf(socket);
    clearInterval(drip);
    assert.equal(statusOf(answer), 408);
  }
  assert.equal(statusOf(await raw(ordinary, quick)), 200);
  assert.ok(quick.refused.includes('timeout'));
});

test('the data plane closes a connection that says nothing, and those of one source beyond their number', async () => {
  const few = await open({ server: { idleMs: 300, connectionsPerSource: 3 } });
  const held = await Promise.all([1, 2, 3].map(() => socketTo(few)));
  const fourth = await socketTo(few);
  assert.equal(await allOf(fourth), '');
  assert.deepEqual(few.refused, ['connections']);
  await Promise.all(held.map((socket) => once(socket, 'close')));
  assert.equal(statusOf(await raw(ordinary, few)), 200);
});

for (const [path, shape] of [
  ['/v1/chat/completions', (answer: { error: { code: string } }) => answer.error.code],
  ['/api/chat', (answer: { error: string }) => (typeof answer.error === 'string' ? 'ERR_BODY_TOO_LARGE' : '')],
] as const)
  for (const how of ['content-length', 'chunked'] as const)
    test(`${path} answers 413 to a body beyond the limit sent with ${how}, while it is still being sent`, async () => {
      const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
        const size = 3_000_000;
        const req = httpRequest(
          {
            port: plane.port,
            path,
            method: 'POST',
            headers: {
              'content-type': 'application/json',
              authorization: `Bearer ${userKey}`,
              ...(how === 'content-length' ? { 'content-length': size } : { 'transfer-encoding': 'chunked' }),
            },
          },
          (res) => {
            let text = '';
            res.on('data', (chunk) => {
              text += chunk;
            });
            res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
          },
        );
        req.on('error', reject);
        for (let sent = 0; sent < size; sent += 100_000) req.write(Buffer.alloc(100_000, 0x20));
        req.end();
      });
      assert.equal(answer.status, 413);
      assert.equal(shape(JSON.parse(answer.text)), 'ERR_BODY_TOO_LARGE');
    });

for (const [what, message, expected] of [
  ['without a key', `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n`, 401],
  ['of a foreign host', `POST /v1/chat/completions HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 100\r\n`, 403],
  ['that is too large', head('content-length: 90000000\r\n').slice(0, -2), 413],
  ['that is coded', head('content-length: 100\r\ncontent-encoding: br\r\n').slice(0, -2), 415],
] as const)
  test(`the data plane answers ${expected} to a request ${what} before its body, and does not ask for that`, async () => {
    for (const expect of ['', 'expect: 100-continue\r\n']) {
      const socket = await socketTo(plane);
      const begun = performance.now();
      socket.write(`${message}${expect}\r\n`);
      const [first] = (await once(socket, 'data')) as [Buffer];
      const answeredMs = performance.now() - begun;
      const rest = await allOf(socket);
      assert.equal(statusOf(first.toString('latin1')), expected, expect);
      assert.match(first.toString('latin1'), /connection: close\r\n/i);
      assert.ok(answeredMs < 1_000, `${expect}: after ${answeredMs} ms`);
      assert.ok(performance.now() - begun < 4_000, 'and the connection ends soon');
      assert.doesNotMatch(rest, /HTTP\/1/);
    }
  });

test('the data plane asks for the body of a request that it takes, and answers it', async () => {
  const socket = await socketTo(plane);
  socket.write(head(`content-length: ${body.length}\r\nconnection: close\r\nexpect: 100-continue\r\n`));
  const [first] = (await once(socket, 'data')) as [Buffer];
  assert.equal(first.toString('latin1'), 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write(body);
  assert.equal(statusOf(await allOf(socket)), 200);
});

test('the data plane refuses a coded body that it does not decode, and takes one that says it is not', async () => {
  const coded = (coding: string) =>
    raw(head(`content-encoding: ${coding}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n`) + body);
  for (const coding of ['gzip', 'br', 'zstd', 'deflate', 'identity, gzip', 'x'])
    assert.equal(statusOf(await coded(coding)), 415, coding);
  assert.equal(statusOf(await coded('identity')), 200);
});

test('the data plane answers 2,000 mutated requests with no 5xx and leaves none hanging', async () => {
  let seed = 20_261_122;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
    return seed % below;
  };
  const bases = [
    ordinary,
    head('transfer-encoding: chunked\r\nconnection: close\r\n') + chunked,
    `GET /v1/models?limit=1 HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\n${auth}connection: close\r\n\r\n`,
    head(`content-length: ${body.length}\r\nconnection: close\r\n`, 'POST /api/chat HTTP/1.1') + body,
  ];
  const pieces = [
    '\r\n',
    '\n',
    '\0',
    ' ',
    ':',
    '%0d%0a',
    '../',
    '\xff',
    '"',
    '\\',
    'host: x\r\n',
    'content-length: 0\r\n',
    'transfer-encoding: chunked\r\n',
    '[',
    '#',
    '*',
    'http://',
  ];
  const mutated = () => {
    let text = bases[random(bases.length)]!;
    for (let left = 1 + random(3); left > 0; left--) {
      const at = random(text.length);
      const kind = random(3);
      if (kind === 0) text = text.slice(0, at) + pieces[random(pieces.length)] + text.slice(at);
      else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + random(6));
      else text = text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    }
    return text;
  };
  const failed: string[] = [];
  const counts = new Map<number, number>();
  for (let round = 0; round < 100; round++) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const text = mutated();
        const socket = await socketTo(plane);
        socket.end(Buffer.from(text, 'latin1'));
        const status = statusOf(await allOf(socket));
        counts.set(status, (counts.get(status) ?? 0) + 1);
        if (status >= 500) failed.push(`${status}: ${text}`);
      }),
    );
  }
  assert.deepEqual(failed, []);
  assert.ok((counts.get(400) ?? 0) > 500, JSON.stringify([...counts]));
  assert.equal(statusOf(await raw(ordinary)), 200);
});
