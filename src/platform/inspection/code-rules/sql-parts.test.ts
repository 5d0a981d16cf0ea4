import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { languageOfLabel } from '../ast/languages.ts';
import { inspectCode } from './inspect-code.ts';

/** Queries put together from constants, marks and numbers, each shape beside the same with something of the caller in it. */
const cases = readFileSync(join(import.meta.dirname, 'sql-parts.fixture.txt'), 'utf8')
  .split(/^=== /m)
  .slice(1);

for (const [number, one] of cases.entries()) {
  const [head = ''] = one.split('\n', 1);
  const [label = '', ...wanted] = head.split(' ');
  const code = one.slice(head.length + 1);
  test(`inspectCode() leaves ${label} query ${number + 1} ${wanted.join(' ')}`, () => {
    const language = languageOfLabel(label);
    assert.ok(language);
    const found = inspectCode(language, code).some(({ rule }) => rule.weakness === 'sql-injection');
    assert.equal(found, wanted.join(' ') === 'flagged', code);
  });
}

test('the queries hold both kinds', () => {
  const flagged = cases.filter((one) => /^\w+ flagged\n/.test(one)).length;
  assert.ok(flagged > 40 && cases.length - flagged > 80);
});
