// From evidence to points: each check on evidence made for it, and what holds for every run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CheckResult, dimensions, scenarioIds, simulationSchema } from '../../platform/documents/simulation.ts';
import type { Evidence, Fact } from '../scenarios/evidence.ts';
import { evidenceLine } from '../scenarios/evidence.ts';
import { methodPlans } from '../scenarios/methods.ts';
import { assess, levelOf } from './assess.ts';
import {
  ask,
  bareError,
  broken,
  type Case,
  call,
  clearedT,
  evidenceOf,
  freshMarker,
  health,
  honestError,
  injectedT,
  limited,
  methodFacts,
  served,
  silence,
  testKey,
} from './fixture.ts';
import { askedToWaitMs } from './management.ts';
import { methodRuns } from './method-run.ts';
import { parseRubric } from './rubric.ts';

const rubric = parseRubric(readFileSync(join(import.meta.dirname, '../../../scenarios/rubric.yaml'), 'utf8'));
const evidenceFile = { file: 'evidence.jsonl', sha256: 'b'.repeat(64) };
const document = (evidence: readonly Evidence[]) => assess({ evidence, rubric, lang: 'en', evidenceFile });
const one = (facts: Case, promises: Record<string, boolean> = {}) => {
  const doc = document(evidenceOf(methodFacts(facts), { promises }));
  const [scenario] = doc.scenarios;
  const [method] = scenario!.methods;
  const check = (id: string): CheckResult | undefined => method!.checks.find((found) => found.id === id);
  const share = (id: string) => {
    const found = check(id);
    return found === undefined ? null : Math.round((1000 * found.points) / found.of) / 1000;
  };
  return { doc, scenario: scenario!, method: method!, check, share };
};

test('fixture: its evidence has the shape of real evidence', () => {
  for (const line of evidenceOf(methodFacts({ beside: [health('fault', 1, { a: 1 })] }))) evidenceLine.parse(line);
});

// --- what an answer was ---

const kinds: [name: string, expected: string, facts: Fact[]][] = [
  ['an ordinary answer that the upstream gave', 'served', served('fault', 11_000)],
  ['an ordinary answer after a second attempt', 'served', secondAttempt()],
  ['an ordinary answer with a notice beside it', 'served', served('fault', 11_000, noticed())],
  ['an openly limited answer', 'limited', broken(11_000, limited)],
  ['a limited answer whose accents are escaped', 'limited', broken(11_000, escaped())],
  ['a limited answer, streamed in pieces', 'limited', broken(11_000, streamedNotice())],
  ['an error admitted in the ordinary shape', 'limited', broken(11_000, reply('Désolé, une erreur est survenue.'))],
  [
    'a flag that says degraded',
    'limited',
    broken(11_000, { body: '{"reply":"La file.","degraded":true}', answer: 'La file.' }),
  ],
  ['an answer though no upstream gave one', 'posed', broken(11_000, reply('Une pile rend le dernier élément.'))],
  [
    'the same with a flag that denies',
    'posed',
    broken(11_000, { body: '{"reply":"La file.","degraded":false}', answer: 'La file.' }),
  ],
  ['an answer without any call', 'posed', [ask('fault', 11_000)]],
  ['a stream that stopped in its middle without a word', 'posed', served('fault', 11_000, { ended: false })],
  ['a question openly put off with 202', 'limited', broken(11_000, later())],
  ['an error', 'error', broken(11_000, honestError)],
  ['an error page of 200', 'error', broken(11_000, { body: '<html>', answer: null })],
  ['nothing in time', 'silence', broken(11_000, silence)],
  ['an empty body of 200', 'silence', broken(11_000, { body: '', answer: null })],
  ['a refused connection', 'silence', broken(11_000, { ...silence, error: 'ECONNREFUSED' })],
];
for (const [name, expected, facts] of kinds) {
  test(`answerKind() calls ${name} ${expected}`, () => {
    const [run] = methodRuns(evidenceOf(methodFacts({ fault: facts })));
    assert.equal(run!.asks.find((judged) => judged.ask.phase === 'fault')?.kind, expected);
  });
}

function reply(text: string) {
  return { body: JSON.stringify({ reply: text }), answer: text };
}
function escaped() {
  const text = 'Réponse enregistrée plus tôt.';
  return { body: `{"reply":"R\\u00e9ponse enregistr\\u00e9e plus t\\u00f4t."}`, answer: text };
}
function technical() {
  const error = 'Upstream timeout (HTTP 503): le service est indisponible. Réessayez dans 5 minutes.';
  return { status: 503, body: JSON.stringify({ error }), answer: null };
}
function later() {
  const message = "Votre demande est en file d'attente, la réponse viendra dans 2 minutes.";
  return { status: 202, body: JSON.stringify({ message }), answer: null };
}
function noticed() {
  return {
    body: JSON.stringify({ reply: 'La file.', degraded: { notice: 'Vos messages ne sont pas encore enregistrés.' } }),
    answer: 'La file.',
  };
}
function streamedNotice() {
  const pieces = ['Le serv', 'ice est indis', 'ponible.'];
  const body = pieces.map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`).join('');
  return { body: `${body}data: [DONE]\n\n`, answer: pieces.join('') };
}
function secondAttempt(gap = 400): Fact[] {
  const made = ask('fault', 11_000);
  return [
    call(made.marker, 11_010, { fault: 'mid-request', status: null, outcome: 'faulted', endT: 11_020 }),
    call(made.marker, 11_020 + gap),
    made,
  ];
}

// --- detection ---

const alerts = { alerts: true };
test('alert: worth all at once, less later, nothing when none came, not asked where none was promised', () => {
  const at = (t: number) => one({ beside: [{ kind: 'alert', t, body: 'x' }] }, alerts).share('alert');
  assert.equal(at(injectedT), 1);
  assert.equal(at(injectedT + 5000), 0.9);
  assert.equal(one({}, alerts).share('alert'), 0);
  assert.equal(one({}).share('alert'), null);
});

test('alert: one that keeps coming on an ordinary day tells nothing, another one does', () => {
  const cry = (t: number, kind = 'cpu'): Fact => ({ kind: 'alert', t, body: `{"kind":"${kind}","at":${t}}` });
  const before = [cry(1000), cry(2000), cry(injectedT)];
  assert.equal(one({ beside: before }, alerts).share('alert'), 0);
  assert.equal(one({ beside: [...before, cry(injectedT, 'model')] }, alerts).share('alert'), 1);
});

test('alert: one from before the fault is none', () => {
  assert.equal(one({ beside: [{ kind: 'alert', t: injectedT - 1, body: 'x' }] }, alerts).share('alert'), 0);
});

test('alert: not asked of a target whose users all were served, but of a compromised key', () => {
  const healed = secondAttempt();
  assert.equal(one({ scenario: 'network-cut', method: 'mid-request', fault: healed }, alerts).share('alert'), null);
  assert.equal(one({ scenario: 'key-compromised', method: 'revoked-401', fault: healed }, alerts).share('alert'), 0);
});

const calm = [health('baseline', 1000, { status: 'ok', up: 1 }), health('baseline', 3000, { status: 'ok', up: 2 })];
const healthShare = (during: unknown, afterwards: unknown, status = 200) =>
  one(
    {
      beside: [...calm, health('fault', 12_000, during, status), health('recovery', 21_000, afterwards)],
    },
    { health: true },
  ).share('health');
test('health: a page that leaves its baseline and returns is worth all, one that stays away half, one that shows nothing none', () => {
  assert.ok((healthShare({ status: 'degraded', up: 9 }, { status: 'ok', up: 12 }) ?? 0) > 0.95);
  assert.ok((healthShare({ status: 'ok', up: 9 }, { status: 'ok', up: 12 }, 503) ?? 0) > 0.95);
  const stuck = healthShare({ status: 'degraded', up: 9 }, { status: 'degraded', up: 12 }) ?? 0;
  assert.ok(stuck > 0.4 && stuck <= 0.5, String(stuck));
  assert.equal(healthShare({ status: 'ok', up: 9 }, { status: 'ok', up: 12 }), 0);
});

test('health: a counter that never returns does not hold a page that otherwise returned', () => {
  const share = healthShare({ status: 'degraded', errors: 1 }, { status: 'ok', errors: 7 });
  assert.ok((share ?? 0) > 0.95, String(share));
});

test('health: a counter that returns does not speak for a state that stays away', () => {
  const share = (after: unknown) =>
    one(
      {
        beside: [
          ...[1000, 3000].map((t) => health('baseline', t, { status: 'ok', busy: 0, last: null })),
          health('fault', 12_000, { status: 'down', busy: 3, last: 'x' }),
          health('recovery', 21_000, after),
        ],
      },
      { health: true },
    ).share('health') ?? 0;
  assert.ok(share({ status: 'down', busy: 0, last: 'x' }) <= 0.5);
  assert.ok(share({ status: 'ok', busy: 3, last: 'x' }) > 0.9);
});

test('health: a page that does not answer has detected nothing', () => {
  const silent: Fact = { kind: 'health', t: 12_000, phase: 'fault', status: null, body: '', error: 'timeout' };
  assert.equal(one({ beside: [...calm, silent] }, { health: true }).share('health'), 0);
});

test('health: of a process that ended under the fault the page is gone, which whoever looks can see: half', () => {
  const exited: Fact = { kind: 'process', t: 12_000, state: 'exited', detail: 'exit code 1' };
  const gone: Fact = { kind: 'health', t: 12_500, phase: 'fault', status: null, body: '', error: 'ECONNREFUSED' };
  assert.equal(one({ beside: [...calm, exited, gone] }, { health: true }).share('health'), 0.5);
});

test('notice: the first answer that shows the failure; silence and a lie show nothing', () => {
  assert.ok((one({ fault: broken(11_000, limited) }).share('notice') ?? 0) > 0.95);
  assert.ok((one({ fault: broken(11_000, { ...honestError, endT: 16_000 }) }).share('notice') ?? 1) <= 0.9);
  assert.equal(one({ fault: broken(11_000, silence) }).share('notice'), 0);
  assert.equal(one({ fault: broken(11_000, reply('Une pile.')) }).share('notice'), 0);
});

test('notice: a second attempt that won shows that the failure was noticed', () => {
  assert.ok((one({ fault: secondAttempt() }).share('notice') ?? 0) > 0.9);
});

// --- management ---

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

// --- recovery ---

test('back: the sooner the first ordinary answer after clearing, the more; none is nothing', () => {
  const share = (t: number) => one({ recovery: served('recovery', t, { endT: t }) }).share('back') ?? -1;
  assert.equal(share(clearedT), 1);
  assert.equal(share(clearedT + 5000), 0.92);
  assert.ok(share(clearedT + 60_000) < 0.7);
  assert.equal(one({ recovery: [] }).share('back'), 0);
  assert.equal(one({ recovery: [ask('recovery', 21_000, bareError)] }).share('back'), 0);
});

test('alive: a process that ended is nothing, by hand a part, untouched all', () => {
  const exited: Fact = { kind: 'process', t: 12_000, state: 'exited', detail: 'exit code 1' };
  const restarted: Fact = { kind: 'process', t: 22_000, state: 'restarted', detail: '' };
  assert.equal(one({}).share('alive'), 1);
  assert.equal(one({ beside: [exited], recovery: [] }).share('alive'), 0);
  const helped = one({ beside: [exited, restarted], recovery: served('recovery', 23_000) });
  assert.deepEqual([helped.share('alive'), helped.share('back')], [0.4, 0.6]);
  assert.equal(helped.doc.selfHealed, 0);
  assert.equal(one({}).doc.selfHealed, 1);
});

test('history: every acknowledged message there is worth all; a lost one at most half; not asked where none was promised', () => {
  const markers = [freshMarker(), freshMarker()];
  const facts = markers.flatMap((marker, i) => served('fault', 11_000 + 2000 * i, { marker, conversation: 'c9' }));
  const share = (held: string[]) =>
    one(
      {
        fault: [...facts, ...broken(15_000, bareError)],
        recovery: [],
        beside: [
          { kind: 'history', t: 25_000, conversation: 'c9', status: 200, body: JSON.stringify(held) },
          // The baseline's own conversation, as it should be.
          { kind: 'history', t: 25_000, conversation: 'c1', status: 200, body: '[]' },
        ],
      },
      { history: true },
    ).check('history');
  assert.equal(
    share(markers)?.because.includes('2 are lost'),
    true,
    'the two of the baseline stand in no history here',
  );
  const lostOne = share(markers.slice(0, 1))!;
  assert.ok(lostOne.points / lostOne.of <= 0.5);
  assert.ok(lostOne.because.includes('3 are lost'), lostOne.because);
  assert.equal(one({}).share('history'), null);
});

// --- UX and security ---

test('UX: the questions on what was told replace undisturbed as soon as somebody saw the failure', () => {
  const calmly = one({ scenario: 'network-cut', method: 'mid-request', fault: secondAttempt() });
  assert.equal(calmly.share('undisturbed'), 1);
  assert.equal(calmly.share('says-what'), null);
  const seen = one({ fault: broken(11_000, limited) });
  assert.equal(seen.share('undisturbed'), null);
  assert.deepEqual(
    ['says-what', 'says-do', 'says-when', 'language', 'plain', 'retry-after'].map(seen.share),
    [1, 1, 1, 1, 1, 0],
  );
  const withHeader = one({ fault: broken(11_000, { ...limited, headers: { 'retry-after': '300' } }) });
  assert.equal(withHeader.share('retry-after'), 1);
});

test('UX: a limited answer that is streamed is judged by its words, not by its frames', () => {
  const text = "L'assistant est indisponible pour le moment. Réessayez dans 5 minutes.";
  const body = [...text.matchAll(/.{1,5}/g)]
    .map(([content]) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
    .join('');
  const { share } = one({ fault: broken(11_000, { body: `${body}data: [DONE]\n\n`, answer: text }) });
  assert.deepEqual(['says-what', 'says-do', 'says-when', 'language', 'plain'].map(share), [1, 1, 1, 1, 1]);
});

test('UX: of a stream that broke off, what is said beside its own words counts, and no header is asked of it', () => {
  const text = 'La pile est une API de type HTTP';
  const piece = `data: ${JSON.stringify({ choices: [{ delta: { content: 'La pile est une ' } }] })}`;
  const rest = `data: ${JSON.stringify({ choices: [{ delta: { content: 'API de type HTTP' } }] })}`;
  const end =
    'data: {"error":{"message":"La réponse a été interrompue. Réessayez dans 10 secondes.","code":"cut"}}\n\ndata: [DONE]';
  const [first, asked] = broken(11_000, { answer: text, body: `${piece}\n\n${rest}\n\n${end}\n\n` }, { status: 200 });
  const cut = { ...first, stream: true } as Fact;
  const { share } = one({ scenario: 'network-cut', method: 'mid-stream', fault: [cut, asked!] });
  assert.deepEqual(['honest', 'says-what', 'says-when', 'plain', 'retry-after'].map(share), [1, 1, 1, 1, null]);
});

test('UX: a notice that repeats the answer word for word is still the answer', () => {
  const body = { reply: limited.answer, degraded: { mode: 'local', notice: limited.answer } };
  const fault = broken(11_000, { ...limited, body: JSON.stringify(body) }, { status: 200 });
  const { share } = one({ scenario: 'network-cut', method: 'mid-stream', fault });
  assert.deepEqual(['says-what', 'says-do', 'says-when'].map(share), [1, 1, 1]);
});

test('UX: all strings of the body count, also those beside the answer', () => {
  const body = { reply: limited.answer, detail: 'connect ECONNREFUSED' };
  assert.equal(one({ fault: broken(11_000, { ...limited, body: JSON.stringify(body) }) }).share('plain'), 0);
});

test('UX: a silence tells nothing, which is charged once; told in another language counts half', () => {
  const quiet = one({ fault: broken(11_000, silence) });
  assert.deepEqual(['says-what', 'says-do', 'says-when', 'language', 'plain'].map(quiet.share), [0, 0, 0, 1, 1]);
  assert.equal(quiet.share('told-soon'), null);
  const english = reply('The assistant is not available. Please try again in a minute.');
  const foreign = one({ fault: broken(11_000, english) });
  assert.deepEqual(['says-what', 'language', 'plain'].map(foreign.share), [0.5, 0, 1]);
});

test('UX: an ordinary answer whose message is lost without a word is worth nothing', () => {
  const fault = secondAttempt();
  const empty: Fact = { kind: 'history', t: 25_000, conversation: 'c1', status: 200, body: '[]' };
  const { share } = one(
    { scenario: 'database-down', method: 'stopped', fault, beside: [empty] },
    { history: true, database: true },
  );
  assert.equal(share('undisturbed'), 0);
});

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

// --- the whole ---

test('assess() is pure: the same evidence gives the same bytes, in an order of runs that does not matter to it', () => {
  const evidence = evidenceOf(methodFacts({}), { promises: { health: true, alerts: true } });
  const before = JSON.stringify(evidence);
  const first = JSON.stringify(document(evidence));
  assert.equal(JSON.stringify(document(structuredClone(evidence))), first);
  assert.equal(JSON.stringify(evidence), before, 'the evidence is left as it was');
});

test('assess() gives documents of the published shape whatever the answers were', () => {
  const outcomes = [limited, honestError, bareError, silence, reply('Une pile.'), reply('')];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(outcomes.length - 1), fc.array(fc.nat(900), { maxLength: 4 })), { maxLength: 5 }),
      fc.dictionary(fc.constantFrom('alerts', 'health', 'history', 'spareKey'), fc.boolean()),
      fc.constantFrom(...scenarioIds),
      (answers, promises, scenario) => {
        const fault = answers.flatMap(([kind, gaps], i) => broken(11_000 + 1500 * i, outcomes[kind], { gaps }));
        const method = Object.keys(rubric.methods)
          .find((name) => name.startsWith(`${scenario}/`))
          ?.split('/')[1];
        const facts = methodFacts({ scenario, method: method as never, fault });
        const doc = simulationSchema.parse(document(evidenceOf(facts, { promises })));
        const cells = doc.scenarios.flatMap(({ scores }) => Object.values(scores)).filter((cell) => cell !== null);
        assert.equal(doc.assessable, 20 * cells.length);
        assert.ok(doc.score <= doc.assessable);
        for (const { evidence } of doc.scenarios[0]!.methods[0]!.checks)
          assert.ok(evidence.every((id) => /^e\d+$/.test(id)));
      },
    ),
    { numRuns: 150 },
  );
});

const noScore: [name: string, facts: Case, outcome: string][] = [
  ['a fault that was not proved', { injected: { proved: false } }, 'inconclusive'],
  ['a fault not proved to have been on to its end', { cleared: { proved: false } }, 'inconclusive'],
  ['a fault that was never cleared', { cleared: null }, 'inconclusive'],
  ['a fault that was never injected', { injected: null, cleared: null }, 'inconclusive'],
  ['a fault that touched no call', { fault: served('fault', 11_000) }, 'inconclusive'],
  ['a fault during which nobody asked', { fault: [] }, 'inconclusive'],
  [
    'a database fault during which nobody asked',
    { scenario: 'database-down', method: 'stopped', fault: [] },
    'inconclusive',
  ],
  ['a broken baseline', { beside: [{ kind: 'invalid', t: 9000, why: 'broken' }] }, 'invalid'],
  ['a method that could not be had', { beside: [{ kind: 'inconclusive', t: 9000, why: 'no' }] }, 'inconclusive'],
];
for (const [name, facts, outcome] of noScore) {
  test(`assess() scores nothing after ${name}: ${outcome}, and null is no point won`, () => {
    const { doc, method, scenario } = one(facts);
    assert.equal(method.outcome, outcome);
    assert.ok((method.why ?? '').length > 0);
    assert.deepEqual(Object.values(scenario.scores), [null, null, null, null, null]);
    assert.deepEqual([doc.score, doc.assessable, doc.percentOfAssessable, scenario.total], [0, 0, null, null]);
    assert.equal(doc.selfHealed, 0);
  });
}

test('assess() needs no trace in the ledger for faults that leave none', () => {
  const asked = served('fault', 11_000);
  for (const [scenario, method] of [
    ['database-down', 'stopped'],
    ['overload', 'cpu'],
    ['network-cut', 'refused'],
  ] as const) {
    assert.equal(one({ scenario, method, fault: asked }).method.outcome, 'scored', method);
  }
});

test('assess() is provisional until all six scenarios have a total, and names the worst one', () => {
  const methods = {
    'api-maintenance': 'unavailable',
    'network-cut': 'mid-request',
    'key-compromised': 'revoked-401',
    overload: 'cpu',
    'database-down': 'stopped',
    'quota-exhausted': 'rate-limited',
  } as const;
  const facts = scenarioIds.map((scenario, i) =>
    methodFacts({
      scenario,
      method: methods[scenario],
      at: 40_000 * i,
      fault: scenario === 'quota-exhausted' ? broken(11_000, bareError) : broken(11_000, limited, { gaps: [400] }),
    }),
  );
  const all = document(evidenceOf(facts.flat()));
  assert.equal(all.provisional, false);
  assert.equal(all.assessable, 600);
  assert.equal(all.criticalScenario, 'quota-exhausted');
  assert.equal(all.percent, Math.round((10_000 * all.score) / 600) / 100);
  const five = document(evidenceOf(facts.slice(1).flat()));
  assert.equal(five.provisional, true);
  assert.equal(five.assessable, 500);
});

test('assess() takes the median over runs, and shows the worst run with the spread of its times', () => {
  const runs = [100, 5000, 9000].flatMap((ms, i) =>
    methodFacts({ run: i + 1, at: 40_000 * i, recovery: served('recovery', clearedT, { endT: clearedT + ms }) }),
  );
  const doc = document(evidenceOf(runs, { runs: 3 }));
  const [method] = doc.scenarios[0]!.methods;
  assert.deepEqual(method?.timings.recoverMs, { min: 100, median: 5000, max: 9000 });
  const middle = one({ recovery: served('recovery', clearedT, { endT: clearedT + 5000 }) }).method;
  assert.equal(method?.scores.recovery, middle.scores.recovery);
  assert.match(method?.checks.find(({ id }) => id === 'back')?.because ?? '', /9\.0 s/);
});

test('assess() takes each cell at the worst of the methods, and an inconclusive run does not count', () => {
  const good = methodFacts({ fault: broken(11_000, limited, { gaps: [400] }) });
  const bad = methodFacts({ method: 'unavailable-retry-after', at: 40_000, fault: broken(11_000, bareError) });
  const none = methodFacts({ method: 'invalid-key', at: 80_000, injected: { proved: false } });
  const doc = document(evidenceOf([...good, ...bad, ...none]));
  const { methods, scores } = doc.scenarios[0]!;
  assert.deepEqual(
    methods.map(({ id, outcome }) => [id, outcome]),
    [
      ['invalid-key', 'inconclusive'],
      ['unavailable', 'scored'],
      ['unavailable-retry-after', 'scored'],
    ],
  );
  for (const dimension of dimensions) {
    const cells = methods.filter(({ outcome }) => outcome === 'scored').map((m) => m.scores[dimension] ?? 99);
    assert.equal(scores[dimension], Math.min(...cells), dimension);
  }
});

test('assess() takes no more than 2 points of any cell for 10 % more time', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 7000 }), (ms) => {
      const cells = (factor: number) => {
        const late = Math.round(ms * factor);
        return one(
          {
            fault: broken(11_000, { ...limited, endT: 11_000 + late }, { gaps: [400] }),
            recovery: served('recovery', clearedT, { endT: clearedT + late }),
            beside: [{ kind: 'alert', t: injectedT + late, body: '' }],
          },
          alerts,
        ).scenario.scores;
      };
      const [before, after] = [cells(1), cells(1.1)];
      return dimensions.every((dimension) => (before[dimension] ?? 0) - (after[dimension] ?? 0) <= 2);
    }),
    { numRuns: 60 },
  );
});

for (const [percent, level] of [
  [100, 'excellent'],
  [90, 'excellent'],
  [89.99, 'good'],
  [80, 'good'],
  [79.99, 'fair'],
  [70, 'fair'],
  [69.99, 'insufficient'],
  [0, 'insufficient'],
] as const) {
  test(`levelOf() calls ${percent} % ${level}`, () => assert.equal(levelOf(percent), level));
}

test('assess() throws on evidence without beginning or end', () => {
  const evidence = evidenceOf(methodFacts({}));
  assert.throws(() => document(evidence.slice(1)), TypeError);
  assert.throws(() => document(evidence.slice(0, -1)), TypeError);
});
