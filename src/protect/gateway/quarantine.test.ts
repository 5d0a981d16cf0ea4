// Who tried to have code run is shut out, on every thread at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharedMemory } from '../../platform/shared/memory.ts';
import { createSessions } from '../chatbot/sessions.ts';
import { createQuarantine, createQuarantineState } from './quarantine.ts';

const settings = { minutes: 15, keyAttempts: 3, sureScore: 0.8 };

test('createQuarantine() counts the attempts of a key over all threads, and shuts it out on all of them at once', () => {
  const memory = createSharedMemory();
  let time = 1_800_000_000_000;
  const threads = [0, 1].map(() => createQuarantine(() => time, settings, createQuarantineState(memory)));
  const [first, second] = threads as [(typeof threads)[0], (typeof threads)[0]];
  first.attempted('rmp_key', 0.9);
  second.attempted('rmp_key', 0.9);
  second.attempted('rmp_key', 0.5);
  assert.deepEqual([first.secondsLeft('rmp_key'), second.secondsLeft('rmp_key')], [0, 0]);
  first.attempted('rmp_key', 0.9);
  assert.deepEqual([first.secondsLeft('rmp_key'), second.secondsLeft('rmp_key')], [900, 900]);
  second.attempted('rmp_key/session', 0.1);
  assert.equal(first.secondsLeft('rmp_key/session'), 900);
  time += 900_000;
  assert.deepEqual([first.secondsLeft('rmp_key'), second.secondsLeft('rmp_key/session')], [0, 0]);
});

test('createQuarantine() of one thread alone does the same, and nobody is shut out for no time', () => {
  const quarantine = createQuarantine(() => 1_000, settings);
  for (let nth = 0; nth < 3; nth++) quarantine.attempted('rmp_key', 0.9);
  assert.deepEqual([quarantine.secondsLeft('rmp_key'), quarantine.count()], [900, 1]);
  const none = createQuarantine(() => 1_000, { ...settings, minutes: 0 }, createQuarantineState(createSharedMemory()));
  none.attempted('rmp_key/session', 1);
  assert.equal(none.secondsLeft('rmp_key/session'), 0);
});

test('createQuarantine() shuts a session out at once, whatever opened it, and its key not', () => {
  const sessions = createSessions(() => 1_000);
  const { id } = sessions.open({ subject: 'admin', role: 'admin' }).session;
  for (const credential of [id, `rmp_key/${id}`]) {
    const quarantine = createQuarantine(() => 1_000, settings);
    quarantine.attempted(credential, 0.6);
    assert.equal(quarantine.secondsLeft(credential), 900, credential);
    assert.equal(quarantine.secondsLeft('rmp_key'), 0);
  }
});
