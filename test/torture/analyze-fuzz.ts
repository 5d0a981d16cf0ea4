import assert from 'node:assert/strict';
import { test } from 'node:test';
import { survive } from '../analyze-mutations.ts';

test('readExports() answers 10,000 mutated exports in bounded memory, no crash, no hang', async () => {
  await survive(10_000, 500, 10_000);
  const before = process.memoryUsage().rss;
  const { inputs, items, slowestMs } = await survive(20_000, 10_000, 10_000);
  const grown = Math.round((process.memoryUsage().rss - before) / 1e6);
  console.log(`${inputs} inputs, ${items} items, slowest ${Math.round(slowestMs)} ms, ${grown} MB of memory more`);
  assert.ok(grown < 300, `${grown} MB more`);
});
