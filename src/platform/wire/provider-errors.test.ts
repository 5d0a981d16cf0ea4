// What each provider's error answers mean, with bodies as they were seen on the wire.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Dialect, dialects } from './dialect.ts';
import { kindOfStatus, plainRateLimit, providerErrorBody } from './provider-error-bodies.ts';
import { describeProviderError, type ProviderErrorKind } from './provider-errors.ts';
import { formatDuration, retryAfterMs } from './retry-after.ts';

const kinds: readonly ProviderErrorKind[] = [
  'key-refused',
  'forbidden',
  'not-found',
  'invalid-request',
  'rate-limited',
  'quota-exhausted',
  'overloaded',
  'server-error',
];

for (const dialect of dialects)
  for (const kind of kinds)
    test(`describeProviderError() reads ${dialect}'s own ${kind} back`, () => {
      const answer = providerErrorBody(dialect, kind, { model: 'm-1', retryAfterSeconds: 7 });
      assert.deepEqual(describeProviderError(dialect, answer.status, answer.headers, answer.body), {
        kind,
        heals: ['rate-limited', 'overloaded', 'server-error'].includes(kind),
        retryAfterMs: 7_000,
      });
    });

const seen: readonly [Dialect, number, string, ProviderErrorKind][] = [
  [
    'openai',
    429,
    '{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}',
    'quota-exhausted',
  ],
  [
    'openai',
    429,
    '{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000","type":"tokens","param":null,"code":"rate_limit_exceeded"}}',
    'rate-limited',
  ],
  [
    'openai',
    403,
    '{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}',
    'forbidden',
  ],
  [
    'mistral',
    429,
    '{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300","raw_status_code":429}',
    'rate-limited',
  ],
  ['mistral', 429, '{"message":"Requests rate limit exceeded"}', 'rate-limited'],
  [
    'mistral',
    429,
    '{"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error","param":null,"code":null}',
    'overloaded',
  ],
  [
    'mistral',
    400,
    '{"object":"error","message":"Invalid model: ","type":"invalid_model","param":null,"code":"1500"}',
    'not-found',
  ],
  [
    'mistral',
    422,
    '{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error","param":null,"code":null}',
    'invalid-request',
  ],
  [
    'ollama',
    429,
    '{"error":"you (somebody) have reached your weekly usage limit, upgrade for higher limits: https://ollama.com/upgrade"}',
    'quota-exhausted',
  ],
  ['ollama', 404, '{"error":"model \\"x\\" not found, try pulling it first"}', 'not-found'],
  ['openai', 502, '<html><body>Bad gateway</body></html>', 'server-error'],
  ['openai', 418, '', 'invalid-request'],
  ['openai', 429, 'not JSON {', 'rate-limited'],
  ['openai', 429, 'null', 'rate-limited'],
  ['openai', 408, '', 'server-error'],
];
for (const [dialect, status, body, expected] of seen)
  test(`describeProviderError() calls ${dialect} ${status} ${body.slice(0, 60)} ${expected}`, () => {
    assert.equal(describeProviderError(dialect, status, {}, body).kind, expected);
  });

const now = Date.parse('2026-11-21T10:00:00Z');
const waits: readonly [Record<string, string | string[]>, number | undefined][] = [
  [{ 'retry-after': '20' }, 20_000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after': ['3', '9'] }, 3_000],
  [{ 'retry-after': 'Sat, 21 Nov 2026 10:00:05 GMT' }, 5_000],
  [{ 'retry-after': 'Sat, 21 Nov 2026 09:00:00 GMT' }, 0],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '-5' }, undefined],
  [{ 'retry-after': '20', 'retry-after-ms': '1500' }, 1_500],
  [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }, 360_000],
  [{ 'x-ratelimit-remaining-requests': '4', 'x-ratelimit-reset-requests': '6m0s' }, undefined],
  [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, 20],
  [{}, undefined],
];
for (const [headers, expected] of waits)
  test(`retryAfterMs() reads ${JSON.stringify(headers)} as ${expected}`, () => {
    assert.equal(retryAfterMs(headers, now), expected);
  });

test('describeProviderError() believes a provider that says not to try again', () => {
  assert.equal(describeProviderError('openai', 500, { 'x-should-retry': 'true' }, '').heals, true);
  assert.equal(describeProviderError('openai', 500, { 'x-should-retry': 'false' }, '').heals, false);
});

test('formatDuration() writes resets the way retryAfterMs() reads them', () => {
  for (const [ms, text] of [
    [0, '0s'],
    [20_000, '20s'],
    [360_000, '6m0s'],
    [3_601_000, '1h0m1s'],
  ] as const) {
    assert.equal(formatDuration(ms), text);
    const headers = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': text };
    assert.equal(retryAfterMs(headers, now), ms);
  }
});

test('providerErrorBody() gives an empty 403 for Ollama and FastAPI issues for a Mistral 422', () => {
  assert.equal(providerErrorBody('ollama', 'forbidden').body, '');
  const refused = JSON.parse(providerErrorBody('mistral', 'invalid-request', { status: 422 }).body);
  assert.equal(refused.detail[0].loc[0], 'body');
});

test('plainRateLimit() reads as throttling that heals', () => {
  const { status, headers, body } = plainRateLimit();
  assert.deepEqual(describeProviderError('openai', status, headers, body), { kind: 'rate-limited', heals: true });
});

test('kindOfStatus() finds a kind for every status that a test can ask for', () => {
  const expected = {
    400: 'invalid-request',
    401: 'key-refused',
    402: 'quota-exhausted',
    403: 'forbidden',
    404: 'not-found',
    422: 'invalid-request',
    429: 'rate-limited',
    500: 'server-error',
    502: 'server-error',
    503: 'overloaded',
  };
  for (const [status, kind] of Object.entries(expected)) assert.equal(kindOfStatus(Number(status)), kind);
});
