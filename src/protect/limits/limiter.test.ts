// Requests and tokens set aside, settled and given back in any order: never over a limit, and nothing lost on the way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { z } from 'zod';
import { createSharedMemory } from '../../platform/shared/memory.ts';
import { createLimiter, type Grant, type Refused } from './limiter.ts';
import { limitsSchema } from './limits-config.ts';

const noon = Date.parse('2026-06-15T12:00:00Z');
const asked = {
  subject: 'a',
  role: 'user',
  credential: 'k',
  sourceIp: '10.0.0.1',
  operation: 'x',
  model: 'm',
} as const;

function limiterOf(rules: NonNullable<z.input<typeof limitsSchema>['rules']>, more: { share?: () => number } = {}) {
  const clock = { now: noon };
  const refused: Refused[] = [];
  const limiter = createLimiter(
    { now: () => clock.now, memory: createSharedMemory(), refused: (about) => refused.push(about), ...more },
    limitsSchema.parse({ rules }),
  );
  return { clock, refused, limiter };
}

const step = fc.record({
  /** Which of those under way is touched when none is begun. */
  which: fc.nat(),
  kind: fc.constantFrom('begin', 'begin', 'settle', 'stream', 'abort', 'wait'),
  prompt: fc.integer({ min: 0, max: 60 }),
  most: fc.integer({ min: 0, max: 120 }),
  real: fc.integer({ min: 0, max: 150 }),
});

test('createLimiter() never has more set aside than its limit, whatever is begun, streamed, settled and given up between', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), fc.boolean(), (steps, rolling) => {
      const limit = 400;
      const window = rolling ? 'rolling' : 'calendar';
      const { limiter, clock } = limiterOf([
        { per: 'user', every: 'hour', window, tokens: limit },
        { per: [], every: 'day', tokens: 2_000 },
      ]);
      const open: { grant: Grant; prompt: number; most: number; told: number }[] = [];
      /** What was truly used, and when. */
      const settled: { at: number; tokens: number; over: number }[] = [];
      for (const { kind, which, prompt, most, real } of steps) {
        const one = open[which % Math.max(1, open.length)];
        if (kind === 'wait') clock.now += real * 1_000;
        else if (kind === 'begin') {
          try {
            const grant = limiter.begin(asked, { promptTokens: () => prompt, maxTokens: most });
            open.push({ grant, prompt, most, told: most });
          } catch {}
        } else if (one !== undefined && kind === 'stream') {
          if (one.grant.spent(real) === undefined) one.told = Math.max(one.told, real);
        } else if (one !== undefined) {
          open.splice(open.indexOf(one), 1);
          const completionTokens = kind === 'abort' ? 0 : Math.min(real, one.told);
          one.grant.settle(kind === 'abort' ? undefined : { promptTokens: one.prompt, completionTokens });
          if (kind === 'settle')
            settled.push({ at: clock.now, tokens: one.prompt + completionTokens, over: Math.max(0, real - one.told) });
        }
        const hour = rolling ? clock.now - 3_600_000 : Math.floor(clock.now / 3_600_000) * 3_600_000;
        const used = settled.filter(({ at }) => at > hour).reduce((sum, { tokens }) => sum + tokens, 0);
        // What is under way may have been set aside in the window before.
        assert.ok(used <= limit * 2);
        if (steps.every((other) => other.kind !== 'wait')) {
          const held = open.reduce((sum, each) => sum + each.prompt + each.most, 0);
          assert.ok(used + held <= limit, `${used} used and ${held} set aside of ${limit}`);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('createLimiter() gives back just what was not used, and has what was used beyond owed', () => {
  for (const [used, left] of [
    [undefined, 1_000],
    [{ promptTokens: 3, completionTokens: 2 }, 995],
    [{ promptTokens: 10, completionTokens: 490 }, 500],
    [{ promptTokens: 10, completionTokens: 690 }, 300],
  ] as const) {
    const { limiter } = limiterOf([{ every: 'day', tokens: 1_000 }]);
    const grant = limiter.begin(asked, { promptTokens: () => 10, maxTokens: 490 });
    grant.settle(used);
    grant.settle({ promptTokens: 500, completionTokens: 0 });
    const next = limiter.begin(asked, { promptTokens: () => 0, maxTokens: 0 });
    assert.equal(next.tokens?.remaining, left, JSON.stringify(used));
  }
});

test('createLimiter() asks for a short wait where requests under way have set aside what is short, and for the whole one where it is used', () => {
  for (const every of ['day', 'hour'] as const) {
    const { limiter, clock } = limiterOf([{ per: 'user', every, tokens: 1_000 }]);
    const begin = () => limiter.begin(asked, { promptTokens: () => 10, maxTokens: 490 });
    const secondsTold = () => {
      try {
        begin().undo();
      } catch (error) {
        return Number((error as { facts: { seconds: number } }).facts.seconds);
      }
      return 0;
    };
    const [first, second] = [begin(), begin()];
    assert.equal(secondsTold(), 1, every);
    clock.now += 300_000;
    assert.ok(secondsTold() > 60, 'requests that never end are not waited for');
    clock.now -= 300_000;
    first.settle({ promptTokens: 10, completionTokens: 490 });
    assert.equal(secondsTold(), 1, 'the other one may still give all of it back');
    second.settle({ promptTokens: 10, completionTokens: 40 });
    assert.ok(secondsTold() > 60, 'what is used does not come back');
    const third = limiter.begin(asked, { promptTokens: () => 10, maxTokens: 100 });
    assert.ok(secondsTold() > 60, 'nor does it make room that little is under way');
    third.undo();
  }
});

test('createLimiter() counts nothing of a request that any of its limits refuses', () => {
  const { limiter, refused } = limiterOf([
    { per: 'user', every: 'hour', requests: 10 },
    { per: 'user', every: 'minute', tokens: 50 },
  ]);
  assert.throws(() => limiter.begin(asked, { promptTokens: () => 60 }), { code: 'ERR_LIMIT_TOO_LARGE' });
  limiter.begin(asked, { promptTokens: () => 10, maxTokens: 30 });
  assert.throws(() => limiter.begin(asked, { promptTokens: () => 10, maxTokens: 30 }), { code: 'ERR_LIMIT_TOKENS' });
  const { requests } = limiter.begin(asked, { promptTokens: () => 0, maxTokens: 0 });
  assert.equal(requests?.remaining, 8);
  assert.deepEqual(
    refused.map(({ scope, unit, every }) => [scope, unit, every]),
    [
      ['user', 'tokens', 'minute'],
      ['user', 'tokens', 'minute'],
    ],
  );
});

test('createLimiter() lowers every limit while they are tightened, and forgets no count when that ends', () => {
  let share = 1;
  const { limiter } = limiterOf([{ every: 'hour', requests: 10 }], { share: () => share });
  const begin = () => limiter.begin(asked, { promptTokens: () => 0 });
  for (let nth = 0; nth < 4; nth++) begin();
  share = 0.5;
  assert.equal(begin().requests?.remaining, 0);
  assert.throws(begin, { code: 'ERR_LIMIT_REQUESTS' });
  share = 1;
  assert.equal(begin().requests?.remaining, 4);
});

test('createLimiter() takes the addresses of one IPv6 network for one source', () => {
  const limiter = createLimiter(
    { now: () => noon, memory: createSharedMemory() },
    limitsSchema.parse({ sources: { requests: 2 } }),
  );
  limiter.source('2001:db8::1');
  limiter.source('2001:db8::ffff:2');
  assert.throws(() => limiter.source('2001:db8:0:0:1::1'), { code: 'ERR_RATE_LIMITED' });
  limiter.source('2001:db8:0:1::1');
});
