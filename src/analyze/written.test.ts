// A conversation's place reaches every id, alone or in a sentence, and nothing that the conversation itself said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyseConversation } from './analyse-conversation.ts';
import { talk } from './talk.fixture.ts';
import { drawMark, readWritten, written } from './written.ts';

test('readWritten() gives the place to ids in lists and in sentences, and leaves what was said', () => {
  const code =
    '```python\nimport pickle\ncursor.execute("SELECT F-0-1 é F-7-1 FROM t WHERE n = \'" + name + "\'")\n```';
  const mark = drawMark();
  const judged = analyseConversation(talk([['assistant', code]]), { lang: 'en' }, mark);
  judged.summary.gaps = `« See F-${mark}-1 »,\nF-${mark}-12 and F-0-1.`;
  const placed = readWritten(written(judged, mark), 7);
  assert.equal(placed.summary.gaps, '« See F-7-1 »,\nF-7-12 and F-0-1.');
  assert.ok(placed.findings.length > 0);
  assert.deepEqual(
    placed.findings.map(({ id }) => id),
    judged.findings.map((_, i) => `F-7-${i + 1}`),
  );
  assert.ok(placed.findings[0]!.excerpt.includes('F-0-1 é F-7-1'));
  const evidence = Object.values(placed.domains).flatMap((domain) => domain.evidence);
  assert.ok(evidence.some((id) => id.startsWith('F-7-')));
  assert.ok(placed.maturity.wouldBe.every((would) => would.if.every((id) => id.startsWith('F-7-'))));
});

test('readWritten() gives back the conversation as it was judged under its number, or under another id', () => {
  const given = talk([
    ['user', 'My password: hunter2-Xk39!fq « à "garder" »'],
    ['assistant', '```python\neval(input())\n```'],
  ]);
  const mark = drawMark();
  const there = readWritten(written(analyseConversation(given, { lang: 'fr' }, mark), mark), 12);
  const here = JSON.parse(JSON.stringify(analyseConversation(given, { lang: 'fr' }, 12)));
  assert.deepEqual(there, here);
  const other = readWritten(written(analyseConversation(given, { lang: 'fr' }, mark), mark), 12, 'a "b" é');
  assert.deepEqual(other, { ...here, id: 'a "b" é' });
});
