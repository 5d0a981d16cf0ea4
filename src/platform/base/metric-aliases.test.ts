import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Registry } from 'prom-client';
import { withBareNames } from './metric-aliases.ts';

test('withBareNames() repeats what has a bare name, with its labels and values, and nothing else', async () => {
  const registers = [new Registry()];
  const failed = new Counter({
    name: 'rempart_failed_auth_attempts_total',
    help: 'Keys not accepted',
    labelNames: ['reason'],
    registers,
  });
  failed.inc({ reason: 'rempart_rate_limit_exceeded_total 7' }, 3);
  new Counter({ name: 'rempart_failed_auth_attempts_total_other', help: 'Another', registers }).inc();
  const text = await registers[0]!.metrics();
  const both = withBareNames(text);
  assert.ok(both.startsWith(text.trimEnd()));
  assert.deepEqual(both.slice(text.trimEnd().length).trim().split('\n'), [
    '# HELP failed_auth_attempts_total Keys not accepted',
    '# TYPE failed_auth_attempts_total counter',
    'failed_auth_attempts_total{reason="rempart_rate_limit_exceeded_total 7"} 3',
  ]);
});

test('withBareNames() leaves a text alone in which nothing has a bare name', () => {
  assert.equal(withBareNames('# HELP other Other\nother 1\n'), '# HELP other Other\nother 1\n');
});
