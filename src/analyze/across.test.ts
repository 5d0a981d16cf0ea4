// The view across conversations: what recurs, and what does not.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createAcrossView } from './across.ts';
import { factsOf } from './conversation-facts.ts';
import { conversationOf, findingOf } from './report/fixture.ts';
import { createSightings } from './sightings.ts';

test('createAcrossView() lists weaknesses and snippets of several conversations, the most widespread first', () => {
  const across = createAcrossView();
  const common = { rule: 'a', title: 'A', fingerprint: '1'.repeat(64) };
  across.add(factsOf(conversationOf('c1', { findings: [findingOf('F-1-1', common), findingOf('F-1-2', common)] })));
  across.add(
    factsOf(
      conversationOf('c2', {
        findings: [findingOf('F-2-1', common), findingOf('F-2-2', { rule: 'b', fingerprint: '2'.repeat(64) })],
      }),
    ),
  );
  across.add(
    factsOf(
      conversationOf('c3', {
        models: ['m', 'gpt-4o'],
        findings: [
          findingOf('F-3-1', { rule: 'b', fingerprint: '3'.repeat(64), language: 'prose', state: 'mentioned' }),
          findingOf('F-3-2', common),
        ],
      }),
    ),
  );
  const { recurring, sameSnippet, byModel } = across.view();
  assert.deepEqual(recurring, [
    { rule: 'a', title: 'A', conversations: ['c1', 'c2', 'c3'], count: 4 },
    { rule: 'b', title: 'SQL built from text', conversations: ['c2', 'c3'], count: 2 },
  ]);
  assert.deepEqual(sameSnippet, [{ fingerprint: '1'.repeat(64), rule: 'a', conversations: ['c1', 'c2', 'c3'] }]);
  assert.deepEqual(byModel, [
    { model: 'gpt-4o', conversations: 3, findings: 5 },
    { model: 'm', conversations: 1, findings: 1 },
  ]);
});

test('createAcrossView() leaves out examples, sayings as snippets, and what one conversation repeats', () => {
  const across = createAcrossView();
  for (const id of ['c1', 'c2']) {
    const said = findingOf(`${id}-2`, { rule: id, language: 'prose', fingerprint: 'e'.repeat(64) });
    across.add(factsOf(conversationOf(id, { findings: [findingOf(`${id}-1`, { state: 'example' }), said, said] })));
  }
  across.add(factsOf(conversationOf('c3', { status: 'error', models: ['m'] })));
  assert.deepEqual(across.view().recurring, []);
  assert.deepEqual(across.view().sameSnippet, []);
  assert.deepEqual(
    across.view().byModel.map(({ model }) => model),
    ['gpt-4o'],
  );
});

test('createAcrossView() does not hold the user’s own weaknesses against a model', () => {
  const across = createAcrossView();
  across.add(factsOf(conversationOf('c1', { findings: [findingOf('F-1-1', { author: 'user' }), findingOf('F-1-2')] })));
  assert.deepEqual(across.view().byModel, [{ model: 'gpt-4o', conversations: 1, findings: 1 }]);
});

for (const [inMemory, inGroup] of [
  [1e9, 1e9],
  [1e9, 7],
  [0, 40],
  [100, 1],
]) {
  test(`createAcrossView() says the same with ${inMemory} bytes in memory and ${inGroup} snippets looked at together`, () => {
    const across = createAcrossView(createSightings(inMemory, inGroup));
    const together = new Map<string, string[]>();
    for (let n = 0; n < 60; n++) {
      const findings = [n % 12, n % 5, n % 3, n].map((snippet, i) => {
        const fingerprint = createHash('sha256').update(`${snippet}`).digest('hex');
        const ids = together.get(fingerprint) ?? [];
        together.set(fingerprint, [...new Set([...ids, `c${n}`])]);
        return findingOf(`F-${n}-${i}`, { rule: `rule-${i}`, fingerprint });
      });
      across.add(factsOf(conversationOf(`c${n}`, { findings })));
    }
    const expected = [...together]
      .filter(([, ids]) => ids.length > 1)
      .sort(([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1));
    const { sameSnippet, recurring } = across.view();
    assert.deepEqual(
      sameSnippet.map(({ fingerprint, conversations }) => [fingerprint, conversations]),
      expected.slice(0, 50),
    );
    const all = Array.from({ length: 60 }, (_, n) => `c${n}`);
    assert.deepEqual(
      recurring.map(({ rule, conversations }) => [rule, conversations]),
      [0, 1, 2, 3].map((i) => [`rule-${i}`, all]),
    );
    across.close();
  });
}

test('createAcrossView() takes a line that stands in many files for no common snippet', () => {
  const across = createAcrossView();
  const lines = ['web:', 'os.system("ping -c 1 " + host_name)'].map((excerpt, n) => ({
    excerpt,
    fingerprint: `${n}`.repeat(64),
  }));
  for (const id of ['c1', 'c2'])
    across.add(factsOf(conversationOf(id, { findings: lines.map((line, n) => findingOf(`F-1-${n}`, line)) })));
  assert.deepEqual(
    across.view().sameSnippet.map(({ fingerprint }) => fingerprint),
    ['1'.repeat(64)],
  );
});
