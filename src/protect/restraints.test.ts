import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSharedMemory } from '../platform/shared/memory.ts';
import { heldBack, openRestraints } from './restraints.ts';

function rig(t: { after(work: () => void): void }) {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-restraints-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const clock = { time: 1_000_000 };
  const file = join(dir, 'restraints.json');
  const memory = createSharedMemory();
  return { clock, file, memory, open: (at = memory) => openRestraints(file, { now: () => clock.time, memory: at }) };
}

test('hold() is in force at once on every thread, and again after a restart', (t) => {
  const { open } = rig(t);
  const here = open();
  const there = open();
  assert.equal(there.isHeld('key', 'rmp_a'), false);
  here.hold({ kind: 'key', name: 'rmp_a', by: 'INC-1' });
  assert.equal(there.isHeld('key', 'rmp_a'), true);
  assert.equal(there.isHeld('session', 'rmp_a'), false);
  assert.equal(open(createSharedMemory()).isHeld('key', 'rmp_a'), true);
  assert.equal(here.release('key', 'rmp_a'), true);
  assert.equal(here.release('key', 'rmp_a'), false);
  assert.equal(there.isHeld('key', 'rmp_a'), false);
  assert.equal(open(createSharedMemory()).isHeld('key', 'rmp_a'), false);
});

test('hold() ends by itself, earlier too when it is set anew', (t) => {
  const { open, clock } = rig(t);
  const held = open();
  held.hold({ kind: 'source', name: '192.0.2.1', by: 'x', until: clock.time + 9_000 });
  held.hold({ kind: 'source', name: '192.0.2.1', by: 'x', until: clock.time + 1_000 });
  clock.time += 1_000;
  assert.equal(held.isHeld('source', '192.0.2.1'), false);
  assert.deepEqual(held.all(), []);
});

test('isHeld() takes the whole network of an IPv6 subscriber, and an IPv4 address in either form', (t) => {
  const { open } = rig(t);
  const held = open();
  held.hold({ kind: 'source', name: '2001:db8::1', by: 'x' });
  assert.equal(held.isHeld('source', '2001:db8:0:0:ffff::2'), true);
  assert.equal(held.isHeld('source', '2001:db8:0:1::1'), false);
  held.hold({ kind: 'source', name: '::ffff:192.0.2.7', by: 'x' });
  assert.equal(held.isHeld('source', '192.0.2.7'), true);
});

test('heldBack() shuts out a session alone, or with its key', (t) => {
  const { open } = rig(t);
  const held = open();
  held.hold({ kind: 'session', name: 'rmp_a/s1', by: 'x' });
  assert.equal(heldBack(held, { credential: 'rmp_a/s1' })?.code, 'ERR_SESSION_SHUT_OUT');
  assert.equal(heldBack(held, { credential: 'rmp_a/s2' }), undefined);
  held.hold({ kind: 'session', name: 'rmp_a', by: 'x' });
  assert.equal(heldBack(held, { credential: 'rmp_a/s2' })?.code, 'ERR_SESSION_SHUT_OUT');
  held.hold({ kind: 'key', name: 'rmp_a', by: 'x' });
  assert.equal(heldBack(held, { credential: 'rmp_a/s2' })?.code, 'ERR_KEY_SUSPENDED');
});

test('openRestraints() does not guess who is shut out when its file is damaged', (t) => {
  const { open, file } = rig(t);
  writeFileSync(file, '{');
  assert.throws(() => open(), { code: 'ERR_RESTRAINTS_UNREADABLE' });
});
