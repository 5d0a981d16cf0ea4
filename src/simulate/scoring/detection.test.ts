// Detection: what an alert, the health page and the first answer that shows the failure are worth.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { alerts, one, reply, secondAttempt } from './assess.fixture.ts';
import { broken, health, honestError, injectedT, limited, silence } from './fixture.ts';

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
