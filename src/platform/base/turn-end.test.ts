import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { atTurnEnd, inStep } from './turn-end.ts';

test('atTurnEnd() runs what one turn brought together and in order, after what was promised meanwhile', async () => {
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    atTurnEnd(() => seen.push('first'));
    process.nextTick(() => atTurnEnd(() => seen.push('third')));
    atTurnEnd(() => {
      seen.push('second');
      atTurnEnd(() => resolve());
    });
    void Promise.resolve().then(() => seen.push('promised'));
  });
  assert.deepEqual(seen, ['promised', 'first', 'second', 'third']);
});

test('atTurnEnd() runs a crowd in its order too', async () => {
  const seen: number[] = [];
  const crowd = Array.from({ length: 100 }, (_, at) => at);
  await new Promise<void>((resolve) => {
    for (const at of crowd) atTurnEnd(() => seen.push(at));
    atTurnEnd(resolve);
  });
  assert.deepEqual(seen, crowd);
});

test('inStep lets all that are as far take a step before any takes the next', async () => {
  const seen: string[] = [];
  const go = async (name: string) => {
    for (const step of [1, 2, 3]) {
      seen.push(`${name}${step}`);
      await inStep;
    }
  };
  await new Promise<void>((resolve) => {
    for (const name of ['a', 'b']) atTurnEnd(() => void go(name));
    atTurnEnd(() => void go('c').then(resolve));
  });
  assert.deepEqual(seen, ['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'b3', 'c3']);
});

test('atTurnEnd() runs what comes after one that throws', () => {
  const script = `
    import { atTurnEnd } from ${JSON.stringify(join(import.meta.dirname, 'turn-end.ts'))};
    process.on('uncaughtException', () => console.log('told'));
    atTurnEnd(() => { throw new Error('no'); });
    atTurnEnd(() => console.log('after'));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual(stdout.trim().split('\n').sort(), ['after', 'told']);
});
