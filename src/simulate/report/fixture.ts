// A small run for tests: scored, inconclusive and invalid methods, three scenarios left out, and a target that answers with hostile bytes.
import type { CheckResult, Dimension, MethodResult, Simulation } from '../../platform/documents/simulation.ts';
import type { Evidence, Fact } from '../scenarios/evidence.ts';

/** What a target may answer to be obeyed by whoever reads the report. Each would leave a trace if it worked. */
export const hostile = [
  '<script>globalThis.ran = true</script>',
  '<img src=x onerror="globalThis.ran = true">',
  '"><svg onload="globalThis.ran = true">',
  "' onmouseover='globalThis.ran = true",
  '</style></title><script>globalThis.ran = true</script>',
  '[click](javascript:globalThis.ran=true)',
  '![pixel](http://127.0.0.1:9/pixel.png)',
  '<https://evil.example/>',
  'https://evil.example/bare and www.evil.example',
  '<link rel=stylesheet href=http://127.0.0.1:9/x.css>',
  '| a | b |\n|---|---|\n| c | d |',
  '# not a heading\n\n- not a list\n\n```\nnot a fence',
  '`code` ``more`` **bold** _it_ ~~no~~ &lt;b&gt; $x$',
  '\u001b[31mred\u001b[0m\u0007\u0000 \u202Etxt.exe \uD800 \u200B ]]> --> ]',
] as const;

const start = Date.parse('2026-03-14T09:26:53.000Z');
const iso = (t: number) => new Date(start + t).toISOString();
const canary = { name: 'primary key', kind: 'key' as const, value: 'sk-canary-0123456789abcdef' };

export function fixture(): { doc: Simulation; evidence: Evidence[] } {
  const evidence = numbered([
    {
      kind: 'run-begin',
      t: 0,
      target: target(),
      language: 'fr',
      lang: 'fr',
      pace: 'quick',
      runs: 1,
      seed: 7,
      startedAt: iso(0),
      responsible: 'Ada | Lovelace',
      authorisation: hostile[5],
      scenarios: ['network-cut'],
      rubric: { name: 'r', sha256: 'b'.repeat(64) },
      promises: {},
    },
    ...midStream(),
    begin('overload', 'cpu', 20_000),
    { kind: 'inconclusive', t: 20_001, why: `no load ${hostile[0]}` },
    { kind: 'method-end', t: 20_002 },
    begin('database-down', 'corrupted', 21_000),
    { kind: 'invalid', t: 21_001, why: hostile[10] },
    { kind: 'method-end', t: 21_002 },
    { kind: 'run-end', t: 22_000, finishedAt: iso(22_000), restored: false, restoreProof: hostile[12] },
  ]);
  return { doc: document(), evidence };
}

function target(): string {
  return `bot ${hostile[4]}`;
}

/** Baseline, a cut stream, each kind of answer, an alert, and the way back. */
function midStream(): Fact[] {
  const bodies = hostile.map((body, index) =>
    ask('fault', 5000 + 300 * index, 5200 + 300 * index, { body, status: index % 3 === 0 ? 500 : 200 }),
  );
  return [
    begin('network-cut', 'mid-stream', 1000),
    ask('baseline', 1200, 1900, {}),
    upstream('m1200', 1250, null),
    ask('baseline', 2400, 3000, {}),
    upstream('m2400', 2450, null),
    { kind: 'fault', t: 4000, action: 'injected', name: 'mid-stream', at: iso(4000), proof: 'cut seen', proved: true },
    ask('fault', 4200, 4900, {
      body: `Service indisponible pour le moment, la clé ${canary.value} a été refusée`,
      answer: 'Service indisponible',
    }),
    upstream('m4200', 4250, 'mid-stream'),
    ask('fault', 4300, 9000, { status: null, body: '', answer: null, error: hostile[13] }),
    ...bodies,
    { kind: 'alert', t: 5400, body: JSON.stringify({ text: hostile[1] }) },
    { kind: 'fault', t: 10_000, action: 'cleared', name: 'mid-stream', at: iso(10_000), proof: 'passes', proved: true },
    ask('recovery', 10_200, 11_500, {}),
    upstream('m10200', 10_250, null),
    ask('after', 13_000, 13_600, {}),
    upstream('m13000', 13_050, null),
    { kind: 'log', t: 14_000, channel: 'stdout', baselineLength: 0, text: `${hostile[13]} ${canary.value}` },
    { kind: 'method-end', t: 15_000 },
  ];
}

function begin(scenario: string, method: string, t: number): Fact {
  return { kind: 'method-begin', t, scenario, method, run: 1, at: iso(t), canaries: [canary] };
}

type AskFact = Extract<Fact, { kind: 'ask' }>;
function ask(phase: AskFact['phase'], t: number, endT: number, rest: Partial<AskFact>): Fact {
  const usual = { status: 200, headers: {}, body: '{"reply":"bonjour"}', answer: 'bonjour', ended: true, error: null };
  return {
    kind: 'ask',
    t,
    endT,
    phase,
    user: 'u1',
    identity: 'user',
    conversation: 'c1',
    marker: `m${t}`,
    ...usual,
    ...rest,
  };
}

function upstream(marker: string, t: number, fault: string | null): Fact {
  const outcome = fault === null ? 'passed' : 'faulted';
  return {
    kind: 'upstream',
    t,
    endT: t + 400,
    marker,
    key: 'primary',
    stream: true,
    fault,
    status: fault === null ? 200 : null,
    outcome,
  };
}

function numbered(facts: readonly Fact[]): Evidence[] {
  return facts.map((fact, index) => ({ ...fact, id: `e${index}` }) as Evidence);
}

function check(
  id: string,
  dimension: Dimension,
  points: number,
  of: number,
  because: string,
  evidence: string[],
): CheckResult {
  return { id, dimension, passed: points / of >= 0.75, points, of, because, evidence };
}

const none = { detection: null, management: null, recovery: null, ux: null, security: null };
const unseen = { detectMs: null, noticeMs: null, recoverMs: null };

function method(id: MethodResult['id'], rest: Partial<MethodResult>): MethodResult {
  return {
    id,
    outcome: 'scored',
    injectedAt: null,
    clearedAt: null,
    affectedRequests: 0,
    timings: unseen,
    attempts: 0,
    leaks: [],
    checks: [],
    scores: none,
    ...rest,
  };
}

function document(): Simulation {
  const scores = { detection: 18.4, management: 16, recovery: 12.5, ux: 8, security: 4 };
  const leak = { channel: 'reply', offset: 42, form: 'exact', cwe: 'CWE-209', wstg: 'WSTG-ERRH-01' };
  const scored = method('mid-stream', {
    injectedAt: iso(4000),
    clearedAt: iso(10_000),
    affectedRequests: 1,
    attempts: 3,
    dose: { 'bytes | before cut': 512, note: hostile[11] },
    timings: { detectMs: spread(700), noticeMs: spread(700), recoverMs: spread(1500) },
    leaks: [
      { ...leak, canary: canary.name },
      { ...leak, pattern: 'stack-trace-js', channel: 'log:stdout', form: 'pattern', wstg: 'WSTG-ERRH-02' },
    ],
    checks: [
      check('notice', 'detection', 8, 8, 'Seen.', ['e7']),
      check('honest', 'management', 3, 10, hostile[0], ['e7', 'e9', 'e10']),
      check('no-key', 'security', 0, 16, hostile[10], ['e7', 'gone | "e"']),
      check(
        'from-a-newer-rubric',
        'ux',
        2,
        4,
        hostile[9],
        hostile.map((_, index) => `e${10 + index}`),
      ),
    ],
    scores,
  });
  return {
    schema: 'rempart/simulation@1',
    target: target(),
    pace: 'quick',
    runs: 1,
    seed: 7,
    startedAt: iso(0),
    finishedAt: iso(22_000),
    responsible: 'Ada | Lovelace',
    authorisation: hostile[5],
    rubric: { name: 'rempart-rubric-1', sha256: 'b'.repeat(64) },
    evidence: { file: 'evidence.jsonl', sha256: 'a'.repeat(64) },
    scenarios: [
      {
        id: 'network-cut',
        methods: [scored],
        observations: [
          { id: 'detection-time', value: '< 5 s', scale: '< 5 s | 5–15 s | > 15 s', evidence: ['e7'] },
          { id: 'unheard-of', value: hostile[1], scale: hostile[12], evidence: [] },
          { id: 'response-time-under-fault', value: 1234.5, scale: 'ms', evidence: ['e24'] },
        ],
        scores,
        total: 58.9,
      },
      {
        id: 'overload',
        methods: [method('cpu', { outcome: 'inconclusive', why: `no load ${hostile[0]}` })],
        observations: [],
        scores: none,
        total: null,
      },
      {
        id: 'database-down',
        methods: [method('corrupted', { outcome: 'invalid', why: hostile[10] })],
        observations: [],
        scores: none,
        total: null,
      },
    ],
    score: 58.9,
    assessable: 100,
    percent: 9.82,
    percentOfAssessable: 58.9,
    level: 'insufficient',
    provisional: true,
    criticalScenario: 'network-cut',
    exposed: 1,
    selfHealed: 1,
    fmea: [
      {
        scenario: 'network-cut',
        mode: 'Réseau coupé',
        effect: hostile[8],
        severity: 8,
        occurrence: 5,
        detection: 2,
        rpn: 80,
      },
    ],
    recommendations: [
      {
        priority: 2,
        scenario: 'network-cut',
        dimension: 'security',
        problem: hostile.join(' '),
        currentScore: 4,
        targetScore: 18,
        expectedGain: 14,
        solution: hostile[6],
        steps: [hostile[11], hostile[13]],
        validationTests: [hostile[7]],
        successMetrics: [hostile[2]],
        effortDays: 2,
        cost: 1200,
      },
    ],
    restored: false,
    restoreProof: hostile[12],
  };
}

function spread(ms: number): { min: number; median: number; max: number } {
  return { min: ms, median: ms, max: ms };
}
