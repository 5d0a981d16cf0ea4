// Management: who was answered, how honestly, what was tried again and what was left alone, and at what pace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { methodPlans } from '../scenarios/methods.ts';
import { one, reply, secondAttempt } from './assess.fixture.ts';
import { ask, bareError, broken, call, honestError, limited, served, silence } from './fixture.ts';
import { askedToWaitMs } from './management.ts';

const manage: [name: string, facts: Fact[], answered: number, honest: number][] = [
  ['served answers', secondAttempt(), 1, 1],
  ['limited answers', broken(11_000, limited), 1, 1],
  ['honest errors', broken(11_000, honestError), 1, 0.75],
  ['errors in the words of the workshop that still help', broken(11_000, technical()), 1, 0.75],
  ['errors that call themselves a success', broken(11_000, { ...honestError, status: 200 }), 1, 0.4],
  [
    'errors of a stream that had begun',
    broken(11_000, { ...honestError, status: 200, headers: { 'content-type': 'text/event-stream' } }),
    1,
    0.75,
  ],
  ['bare errors', broken(11_000, bareError), 1, 0.4],
  ['silence', broken(11_000, silence), 0, 0],
  ['lies', broken(11_000, reply('Une pile.')), 0, 0],
  ['one lie among limited answers', [...broken(11_000, limited), ...broken(13_000, reply('Une pile.'))], 0.5, 0],
  ['half silence', [...broken(11_000, limited), ...broken(13_000, silence)], 0.5, 0.5],
  ['an answer after more than 15 s', broken(11_000, { ...limited, endT: 26_500 }), 0, 1],
];
for (const [name, facts, answered, honest] of manage) {
  test(`answered and honest: ${name} are worth ${answered} and ${honest}`, () => {
    const { share } = one({ fault: facts });
    assert.deepEqual([share('answered'), share('honest')], [answered, honest]);
  });
}

function technical() {
  const error = 'Upstream timeout (HTTP 503): le service est indisponible. Réessayez dans 5 minutes.';
  return { status: 503, body: JSON.stringify({ error }), answer: null };
}

const retries: [name: string, gaps: number[], expected: number][] = [
  ['one attempt only', [], 0],
  ['a second attempt after 400 ms', [400], 1],
  ['three attempts, spaced', [200, 800], 1],
  ['six attempts, spaced', [100, 200, 400, 400, 400], 1],
  ['seven attempts', [100, 200, 300, 300, 300, 300], 0.25],
  ['a second attempt at once', [0], 0.25],
  ['one pause too short among good ones', [400, 20], 0.25],
];
for (const [name, gaps, expected] of retries) {
  test(`retried: ${name} is worth ${expected}`, () => {
    assert.equal(one({ fault: broken(11_000, limited, { gaps }) }).share('retried'), expected);
  });
}

test('retried: under mid-request each message must be tried again, elsewhere one is enough', () => {
  const facts = [...secondAttempt(), ...broken(14_000, limited)];
  assert.equal(one({ scenario: 'network-cut', method: 'mid-request', fault: facts }).share('retried'), 0.5);
  assert.equal(one({ fault: facts }).share('retried'), 1);
});

test('not-retried: what cannot heal is left alone', () => {
  const hard = { scenario: 'quota-exhausted', method: 'hard-quota' } as const;
  const share = (gaps: number[]) =>
    one({ ...hard, fault: broken(11_000, limited, { gaps, status: 429 }) }).share('not-retried');
  assert.deepEqual([share([]), share([500]), share([500, 500]), share([500, 500, 500])], [1, 0.5, 0, 0]);
  const [first, asked] = broken(11_000, limited, { status: 429 });
  assert.ok(first?.kind === 'upstream' && asked?.kind === 'ask');
  const spare: Fact = { ...first, key: 'spare', t: first.t + 200 };
  assert.equal(one({ ...hard, fault: [first, spare, asked] }).share('not-retried'), 1, 'another key is another quota');
});

const compromised = { scenario: 'key-compromised', method: 'revoked-401' } as const;
const refusals = (count: number, key: 'primary' | 'spare' = 'primary', status = 401) =>
  Array.from({ length: count }, (_, i) => broken(11_000 + 1000 * i, limited, { status, key })).flat();
for (const [count, expected] of [
  [1, 1],
  [3, 1],
  [4, 0.83],
  [6, 0.5],
  [9, 0],
] as const) {
  test(`refused-key: ${count} uses of a refused key are worth ${expected}`, () => {
    const share = one({ ...compromised, fault: refusals(count) }).share('refused-key');
    assert.ok(Math.abs((share ?? -1) - expected) < 0.01, String(share));
  });
}

test('refused-key: 403 counts as 401 does; another key counts apart', () => {
  assert.ok((one({ ...compromised, fault: refusals(9, 'primary', 403) }).share('refused-key') ?? 1) < 0.01);
  assert.equal(one({ ...compromised, fault: [...refusals(3), ...refusals(3, 'spare')] }).share('refused-key'), 1);
});

test('spare: used and answered is worth all, never used nothing; not asked where none was promised', () => {
  const made = ask('fault', 11_000);
  const fault = [
    call(made.marker, 11_010, { fault: 'revoked-401', status: 401, outcome: 'faulted' }),
    call(made.marker, 11_200, { key: 'spare' }),
    made,
  ];
  const promises = { spareKey: true };
  assert.equal(one({ ...compromised, fault }, promises).share('spare'), 1);
  assert.equal(one({ ...compromised, fault: refusals(1) }, promises).share('spare'), 0);
  assert.equal(one({ ...compromised, fault: refusals(1, 'spare') }, promises).share('spare'), 0, 'a spare refused too');
  assert.equal(one({ ...compromised, fault }).share('spare'), null);
});

test('retried: where the provider says how long to wait, sooner is too soon; the table agrees with the faults', () => {
  const share = (gap: number) =>
    one({
      scenario: 'quota-exhausted',
      method: 'rate-limited',
      fault: broken(11_000, limited, { gaps: [gap], status: 429 }),
    }).share('retried');
  assert.deepEqual([share(1000), share(930), share(500)], [1, 1, 0.4]);
  for (const name of ['unavailable', 'unavailable-retry-after', 'rate-limited', 'hard-quota']) {
    const { method, fault } = methodPlans.find((plan) => plan.method === name)!;
    const made = fault({ databasePath: '' } as Parameters<typeof fault>[0]);
    const seconds = made.type === 'status' ? made.retryAfterSeconds : undefined;
    assert.equal(askedToWaitMs[method], seconds === undefined ? undefined : 1000 * seconds, method);
  }
});

test('management: a process that ended under the fault has managed nothing', () => {
  const exited: Fact = { kind: 'process', t: 12_000, state: 'exited', detail: 'exit code 1' };
  const { scenario, check } = one({ fault: broken(11_000, limited, { gaps: [500] }), beside: [exited] });
  assert.equal(scenario.scores.management, 0);
  assert.deepEqual(check('honest')?.evidence.length, 1);
});

test('told-soon: at once is worth all, ten seconds a third', () => {
  const share = (ms: number) => one({ fault: broken(11_000, { ...limited, endT: 11_000 + ms }) }).share('told-soon');
  assert.deepEqual([share(2000), share(10_000)], [1, 0.35]);
});

test('pace: the slower quarter under load tells, against the usual time', () => {
  const took = (times: number[]) =>
    one({
      scenario: 'overload',
      method: 'cpu',
      fault: times.flatMap((ms, i) => served('fault', 11_000 + 100 * i, { endT: 11_000 + 100 * i + ms })),
    }).share('pace');
  assert.deepEqual(
    [took([300, 300, 300, 900]), took([300, 300, 4500, 4500]), took([300, 300, 300, 4500])],
    [1, 0.75, 1],
  );
});
