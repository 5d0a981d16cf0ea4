// Guessing: slower and slower, then shut out, for the guesser alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openCounters } from '../../platform/shared/counters.ts';
import { createSharedMemory } from '../../platform/shared/memory.ts';
import { createGuesses, defaultGuesses, type GuessSettings, type Lockout } from './guesses.ts';

const quick: GuessSettings = { ...defaultGuesses, failures: 4, sourceFailures: 12, delayMs: 0 };

function makeRig(settings: GuessSettings = quick) {
  let time = 1_800_000_000_000;
  const locks: Lockout[] = [];
  const memory = createSharedMemory({ known: 2, anyone: 1_024, set: 2 });
  const guesses = createGuesses(
    { now: () => time, counters: openCounters(memory, 'anyone'), onLock: (lock) => locks.push(lock) },
    settings,
  );
  const guess = (secret: string, address = '192.0.2.1') => {
    const attempt = guesses.attempt(secret, address);
    if (attempt.locked === 0) void attempt.wrong(true);
    return attempt.locked;
  };
  return {
    guesses,
    guess,
    locks,
    memory,
    pass: (seconds: number) => {
      time += seconds * 1_000;
    },
  };
}

const key = (name: string, end: string) => `rmp_${name.padEnd(10, 'a')}_${end}`;

test('createGuesses() locks a prefix for the network that guessed at it, the right secret included, and nobody else', () => {
  const { guesses, guess, locks } = makeRig();
  for (let i = 0; i < 4; i++) assert.equal(guess(key('alice', `wrong${i}`)), 0);
  assert.ok(guess(key('alice', 'wrong5')) > 800);
  assert.ok(guesses.attempt(key('alice', 'right'), '192.0.2.1').locked > 0);
  assert.equal(guesses.attempt(key('bob', 'right'), '192.0.2.1').locked, 0, 'another’s key from the same network');
  assert.equal(guesses.attempt(key('alice', 'right'), '192.0.2.2').locked, 0, 'the same key from elsewhere');
  assert.deepEqual(locks, [{ scope: 'credential', sourceIp: '192.0.2.1', failures: 4, seconds: 900 }]);
});

test('createGuesses() opens again when the time is over, and locks again who goes on', () => {
  const { guess, pass, locks } = makeRig();
  for (let i = 0; i < 4; i++) guess(key('alice', `wrong${i}`));
  pass(800);
  assert.ok(guess(key('alice', 'x')) > 0);
  pass(300);
  assert.equal(guess(key('alice', 'x')), 0);
  for (let i = 0; i < 3; i++) guess(key('alice', `wrong${i}`));
  assert.ok(guess(key('alice', 'x')) > 0);
  assert.equal(locks.length, 2);
});

test('createGuesses() locks a network that tries prefix after prefix, but not who came in from it before', () => {
  const { guesses, guess, locks } = makeRig();
  guesses.attempt('team-key-of-carol', '192.0.2.1').right();
  for (let i = 0; i < 12; i++) guess(`${i}xyz${i}-guess`);
  assert.equal(locks[0]?.scope, 'source');
  assert.ok(guess('another-guess') > 0);
  assert.ok(guesses.attempt('a-right-but-new-one', '192.0.2.1').locked > 0);
  assert.equal(guesses.attempt('team-key-of-carol', '192.0.2.1').locked, 0);
  assert.equal(guess('another-guess', '192.0.2.9'), 0);
});

test('createGuesses() counts a whole /64 as one network, and no ended key as a guess', () => {
  const { guess, guesses } = makeRig();
  for (let i = 0; i < 4; i++) guess(key('alice', 'w'), `2001:db8::${i}`);
  assert.ok(guess(key('alice', 'w'), '2001:db8::ffff') > 0);
  for (let i = 0; i < 40; i++) void guesses.attempt(key(`k${i}`, 'ended'), '192.0.2.5').wrong(false);
  assert.equal(guesses.attempt(key('other', 'x'), '192.0.2.5').locked, 0);
});

test('createGuesses() answers later with each failure, up to a bound, and holds only so many back at once', async () => {
  const { guesses } = makeRig({ ...defaultGuesses, failures: 100, delayMs: 100, maxDelayMs: 400, maxDelayed: 2 });
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    const pause = guesses.attempt(key('alice', 'w'), '192.0.2.1').wrong(true);
    assert.equal(pause === undefined, i < 3, 'the first three at once');
    const began = performance.now();
    await pause;
    waits.push(performance.now() - began);
  }
  // Node counts from when its loop last woke: half of it leaves room for a loop that was held up.
  assert.ok(waits[3]! >= 50 && waits[4]! >= 120 && waits[5]! >= 250 && waits[7]! >= 250, `then slower: ${waits}`);
  const many = Array.from({ length: 5 }, () => guesses.attempt(key('alice', 'w'), '192.0.2.1').wrong(true));
  assert.deepEqual(
    many.map((pause) => pause !== undefined),
    [true, true, false, false, false],
  );
  await Promise.all(many);
});

test('createGuesses() counts together what several threads see', async () => {
  const { memory, guess } = makeRig();
  const source = `
    const { workerData, parentPort } = await import('node:worker_threads');
    const { openCounters } = await import(workerData.counters);
    const { createGuesses, defaultGuesses } = await import(workerData.guesses);
    const guesses = createGuesses(
      { now: () => ${1_800_000_000_000}, counters: openCounters(workerData.memory, 'anyone') },
      { ...defaultGuesses, failures: 4, sourceFailures: 12, delayMs: 0 });
    const attempt = guesses.attempt(workerData.secret, '192.0.2.1');
    if (attempt.locked === 0) attempt.wrong(true);
    parentPort.postMessage(attempt.locked);`;
  const there = (secret: string) =>
    new Promise<number>((resolve, reject) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
        workerData: {
          memory,
          secret,
          counters: new URL('../../platform/shared/counters.ts', import.meta.url).href,
          guesses: new URL('./guesses.ts', import.meta.url).href,
        },
      });
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  guess(key('alice', 'w1'));
  guess(key('alice', 'w2'));
  assert.deepEqual(await Promise.all([there(key('alice', 'w3')), there(key('alice', 'w4'))]), [0, 0]);
  assert.ok(guess(key('alice', 'w5')) > 0);
  assert.ok((await there(key('alice', 'w6'))) > 0);
});
