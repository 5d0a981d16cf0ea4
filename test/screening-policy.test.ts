// The configuration's defaults and the program's own are one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../src/config.ts';
import { defaultScreening } from '../src/protect/gateway/settings.ts';
import { decide, defaultPolicy } from '../src/protect/screening/policy.ts';
import { roles, type Verdict } from '../src/protect/screening/verdict.ts';

test('configSchema screens by the default policy when nothing is said', () => {
  const { prompts, answers, whenUnscreened, behaviour, quarantine, operatorRoles } = configSchema.parse({}).screening;
  assert.deepEqual({ prompts, answers, whenUnscreened }, defaultPolicy);
  const { warmAfter, warmAfterMinutes, ...watch } = behaviour;
  assert.deepEqual([warmAfter, warmAfterMinutes], [300, 60]);
  assert.deepEqual(
    { behaviour: watch, quarantine, operatorRoles },
    {
      behaviour: defaultScreening.behaviour,
      quarantine: defaultScreening.quarantine,
      operatorRoles: defaultScreening.operatorRoles,
    },
  );
});

test('configSchema refuses a category, role or action that it does not know', () => {
  for (const screening of [
    { prompts: { injektion: {} } },
    { prompts: { injection: { users: 'block' } } },
    { answers: { secret: 'hide' } },
    { whenUnscreened: 'pass' },
  ])
    assert.equal(configSchema.safeParse({ screening }).success, false, JSON.stringify(screening));
});

test('decide() never lets an unscreened text pass as clean', () => {
  for (const role of roles) {
    const unscreened: Verdict = { kind: 'unscreened', cause: 'x' };
    assert.deepEqual(decide(defaultPolicy, unscreened, role), { kind: 'unscreened', action: 'refuse', cause: 'x' });
    const forward = { ...defaultPolicy, whenUnscreened: 'forward' } as const;
    assert.equal(decide(forward, unscreened, role).kind, 'unscreened');
    assert.deepEqual(decide(defaultPolicy, { kind: 'clean' }, role), { kind: 'pass' });
  }
});

test('decide() blocks attacks of users and tools, and tells those of operators and assistants', () => {
  const verdict: Verdict = { kind: 'suspicious', category: 'injection', score: 0.9, rules: ['r'] };
  assert.deepEqual(
    roles.map((role) => decide(defaultPolicy, verdict, role).kind),
    ['block', 'flag', 'flag', 'block'],
  );
});
