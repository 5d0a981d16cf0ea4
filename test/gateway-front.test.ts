// Who is let in at the data plane and what is seen of them: hosts, origins, proxies, and attacks round the prompt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auth, head, open, ordinary, raw, rig, statusOf, upstream } from './hostile-http-rig.ts';

for (const [host, expected] of [
  ['localhost', 200],
  ['LOCALHOST:1234', 200],
  ['localhost.', 200],
  ['127.0.0.1', 200],
  ['[::1]:80', 200],
  ['chat.example.org', 200],
  ['chat.example.org:8080', 200],
  ['evil.example', 403],
  ['localhost.evil.example', 403],
  ['127.0.0.1.evil.example', 403],
  ['127.0.0.1.nip.io', 403],
  ['evil.example:8080', 403],
  ['localhost@evil.example', 403],
  ['192.0.2.1', 403],
  ['0.0.0.0', 403],
  ['127.999.1.1', 403],
  ['127.8.8.8', 200],
  ['web.localhost:3000', 200],
  ['localhost/x', 403],
] as const)
  test(`the data plane answers ${expected} to Host: ${host}`, async () => {
    const named = await open({ hosts: ['chat.example.org'] });
    const answer = await raw(`GET /v1/models HTTP/1.1\r\nhost: ${host}\r\n${auth}connection: close\r\n\r\n`, named);
    assert.equal(statusOf(answer), expected, answer.slice(0, 300));
    if (expected === 403) assert.match(answer, /ERR_HOST_REFUSED/);
  });

test('the data plane lets pages of configured origins in, asked before and after, and no others', async () => {
  const cors = await open({ origins: ['https://chat.example.org'] });
  const ask = (origin: string, more = '', method = 'GET') =>
    raw(
      `${method} /v1/models HTTP/1.1\r\nhost: localhost\r\norigin: ${origin}\r\n${auth}${more}connection: close\r\n\r\n`,
      cors,
    );
  const wrong = await raw(
    'GET /v1/models HTTP/1.1\r\nhost: localhost\r\norigin: https://chat.example.org\r\nconnection: close\r\n\r\n',
    cors,
  );
  assert.equal(statusOf(wrong), 401);
  assert.match(wrong, /\r\nvary: origin, accept-language\r\n/i, 'the answer differs by both');
  const good = await ask('https://chat.example.org');
  assert.equal(statusOf(good), 200);
  assert.match(good, /access-control-allow-origin: https:\/\/chat\.example\.org\r\n/i);
  const wanted =
    'access-control-request-method: POST\r\naccess-control-request-headers: Authorization, X-Stainless-Lang, x-evil\r\n';
  const preflight = await ask('https://chat.example.org', wanted, 'OPTIONS');
  assert.equal(statusOf(preflight), 204);
  assert.match(preflight, /access-control-allow-headers: authorization, x-stainless-lang\r\n/i);
  for (const origin of [
    'https://evil.example',
    'null',
    'https://chat.example.org.evil.example',
    'http://chat.example.org',
    'https://chat.example.org:444',
    '*',
  ]) {
    const refused = await ask(origin);
    assert.equal(statusOf(refused), 403, origin);
    assert.doesNotMatch(refused, /access-control-allow/i);
    const asked = await ask(origin, wanted, 'OPTIONS');
    assert.equal(statusOf(asked), 403, origin);
    assert.doesNotMatch(asked, /access-control-allow/i);
  }
  const none = await raw(
    `GET /v1/models HTTP/1.1\r\nhost: localhost\r\norigin: https://chat.example.org\r\n${auth}\r\n`,
  );
  assert.equal(statusOf(none), 403, 'by default none');
  assert.doesNotMatch(await raw(ordinary, cors), /access-control/i);
});

test('the data plane sends the security headers with every answer, good or bad', async () => {
  for (const text of [
    ordinary,
    `GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    `GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    head('connection: close\r\ncontent-length: 2\r\n') + '{}',
  ]) {
    const answer = await raw(text);
    for (const header of [
      'x-content-type-options: nosniff',
      'x-frame-options: DENY',
      'referrer-policy: no-referrer',
      "content-security-policy: default-src 'none'",
    ])
      assert.ok(answer.toLowerCase().includes(header.toLowerCase()), `${text.split('\r\n')[0]}: ${header}`);
  }
});

for (const [what, settings, headers, expected] of [
  ['nobody trusted', {}, 'x-forwarded-for: 203.0.113.9', '127.0.0.1'],
  ['the peer trusted', { trustedProxies: ['127.0.0.0/8'] }, 'x-forwarded-for: 203.0.113.9', '203.0.113.9'],
  ['a forged first hop', { trustedProxies: ['127.0.0.1'] }, 'x-forwarded-for: 10.9.9.9, 203.0.113.9', '203.0.113.9'],
  [
    'a second proxy',
    { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] },
    'x-forwarded-for: 6.6.6.6, 203.0.113.9, 10.1.1.1',
    '203.0.113.9',
  ],
  ['nonsense in between', { trustedProxies: ['127.0.0.1'] }, 'x-forwarded-for: 203.0.113.9, unknown', '127.0.0.1'],
  ['a port', { trustedProxies: ['127.0.0.1'] }, 'x-forwarded-for: 203.0.113.9:4711', '203.0.113.9'],
  ['an IPv6 address', { trustedProxies: ['127.0.0.1'] }, 'x-forwarded-for: [2001:db8::1]:80', '2001:db8::1'],
  ['the other header', { trustedProxies: ['127.0.0.1'] }, 'forwarded: for=203.0.113.9', '127.0.0.1'],
  [
    'Forwarded',
    { trustedProxies: ['127.0.0.1'], forwardedHeader: 'forwarded' },
    'forwarded: for=6.6.6.6, for="[2001:db8::2]:1";proto=https',
    '2001:db8::2',
  ],
] as const)
  test(`the source is ${expected} with ${what} ("${headers}")`, async () => {
    const proxied = await open(settings);
    const seen = rig.journalled.length;
    await raw(`GET /v1/models HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n${auth}connection: close\r\n\r\n`, proxied);
    const event = rig.journalled[seen] as { src_endpoint: { ip: string } };
    assert.equal(event.src_endpoint.ip, expected);
  });

test('the data plane blocks attacks round the prompt in the dialect’s shape, tells of them, and lets the prompt be', async () => {
  const watched = await open();
  const attacked = upstream.bodies.length;
  const post = (value: object, path = '/v1/chat/completions') => {
    const text = JSON.stringify(value);
    return raw(
      head(`content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n`, `POST ${path} HTTP/1.1`) + text,
      watched,
    );
  };
  const messages = [{ role: 'user', content: 'hello' }];
  for (const [value, code] of [
    [{ model: '../../etc/passwd', messages }, 'ERR_WAF_BLOCKED'],
    [{ model: 'm', user: 'x\r\nset-cookie: a=b', messages }, 'ERR_WAF_BLOCKED'],
    [
      {
        model: 'm',
        messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://169.254.169.254/x' } }] }],
      },
      'ERR_WAF_BLOCKED',
    ],
  ] as const) {
    const answer = await post(value);
    assert.equal(statusOf(answer), 403, JSON.stringify(value));
    assert.ok(answer.includes(code));
  }
  const ollama = await post({ model: '../x', messages, stream: false }, '/api/chat');
  assert.match(ollama, /^HTTP\/1\.1 403 .*\{"error":"/s);
  assert.equal(upstream.bodies.length, attacked);
  assert.equal(
    statusOf(await raw(`GET /v1/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`, watched)),
    403,
  );
  assert.equal(
    statusOf(await raw(`GET /v1/models?x=%0d%0aset-cookie:a HTTP/1.1\r\nhost: localhost\r\n${auth}\r\n`, watched)),
    403,
  );
  const detected = await raw(
    `GET /v1/models?q=%3Cscript%3E HTTP/1.1\r\nhost: localhost\r\nuser-agent: sqlmap/1.8\r\n${auth}connection: close\r\n\r\n`,
    watched,
  );
  assert.equal(statusOf(detected), 200, 'seen, and let through by default');
  const told = new Set(watched.matches.map(({ rule, action }) => `${rule} ${action}`));
  for (const one of [
    'traversal-dots block',
    'crlf-name block',
    'ssrf-private block',
    'xss-tag detect',
    'scanner-agent detect',
  ])
    assert.ok(told.has(one), `${one} of ${[...told].join(', ')}`);
  const prompt = await post({
    model: 'm',
    messages: [
      { role: 'user', content: 'what does ../../ in <script src=x> mean, and http://169.254.169.254/?\r\nthanks' },
    ],
  });
  assert.equal(statusOf(prompt), 200);
});
