// Security: a key in any channel, and raw errors where a stranger can read them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { one } from './assess.fixture.ts';
import { bareError, broken, health, honestError, limited, served, testKey } from './fixture.ts';

const places: [channel: string, facts: Fact[]][] = [
  ['reply', broken(11_000, { ...honestError, body: `{"error":"key ${testKey.value} refused"}` })],
  ['header', broken(11_000, { ...honestError, headers: { 'x-debug': testKey.value } })],
  ['health', [...broken(11_000, limited), health('fault', 12_000, { key: testKey.value })]],
  ['alert', [...broken(11_000, limited), { kind: 'alert', t: 12_000, body: testKey.value }]],
  [
    'log:stderr',
    [
      ...broken(11_000, limited),
      { kind: 'log', t: 12_000, channel: 'stderr', baselineLength: 3, text: `up\n${testKey.value}` },
    ],
  ],
  [
    'database',
    [
      ...broken(11_000, limited),
      { kind: 'scan', t: 12_000, channel: 'database', found: [{ name: 'upstream-key', offset: 9 }] },
    ],
  ],
  [
    'reply',
    broken(11_000, {
      answer: testKey.value,
      body: `data: {"choices":[{"delta":{"content":"${testKey.value.slice(0, 6)}"}}]}\n\ndata: {"choices":[{"delta":{"content":"${testKey.value.slice(6)}"}}]}\n\n`,
    }),
  ],
];
for (const [channel, fault] of places) {
  test(`no-key: a key in the channel "${channel}" costs its cell more than half and is named with its channel`, () => {
    const { method, scenario, share, doc } = one({ fault });
    assert.ok(method.leaks.some((leak) => leak.canary === 'upstream-key' && leak.channel === channel));
    assert.equal(share('no-key'), 0);
    assert.ok((scenario.scores.security ?? 20) < 10);
    assert.equal(doc.exposed, 1);
  });
}

test('no-trace: raw errors are seen in replies, not in technical logs', () => {
  const stack = 'Error: x\n    at ask (file:///srv/bot.mjs:1:1)';
  assert.equal(one({ fault: broken(11_000, { ...bareError, body: stack }) }).share('no-trace'), 0);
  const log: Fact = { kind: 'log', t: 12_000, channel: 'stderr', baselineLength: 0, text: stack };
  assert.equal(one({ fault: [...broken(11_000, limited), log] }).share('no-trace'), 1);
});

test('no-trace: a model may explain a stack trace; the bot beside it may not show one', () => {
  const answer = 'Lisez : at ask (file:///srv/bot.mjs:1:1)';
  const fault = (body: unknown) => [
    ...broken(11_000, limited),
    ...served('fault', 12_000, { answer, body: JSON.stringify(body) }),
  ];
  assert.equal(one({ fault: fault({ reply: answer }) }).share('no-trace'), 1);
  assert.equal(one({ fault: fault({ reply: answer, debug: 'at x (file:///srv/a.mjs:2:2)' }) }).share('no-trace'), 0);
});
