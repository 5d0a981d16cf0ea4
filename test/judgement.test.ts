// Whole conversations judged as a careful reviewer judges them: weaknesses, their lives, practices, domains, score.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { compare, readCases } from './judgement-cases.ts';

for (const one of readCases(join(import.meta.dirname, 'fixtures', 'judgement'))) {
  test(`analyseConversation() judges "${one.name}" (${one.lang}) as its reviewer does`, () => {
    const differences = compare(one).differences.filter(
      (difference) => !one.known.some((known) => difference.startsWith(known)),
    );
    assert.deepEqual(differences, []);
  });
}
