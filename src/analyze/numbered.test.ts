// A conversation's place reaches every id, alone or in a sentence, and nothing that the conversation itself said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyseConversation } from './analyse-conversation.ts';
import { numbered, unnumbered } from './numbered.ts';
import { talk } from './talk.fixture.ts';

test('numbered() gives the place to ids in lists and in sentences, and leaves what was said', () => {
  const code = '```python\nimport pickle\ncursor.execute("SELECT F-0-1 FROM t WHERE n = \'" + name + "\'")\n```';
  const judged = analyseConversation(talk([['assistant', code]]), { lang: 'en' }, unnumbered);
  const [first] = judged.findings;
  assert.ok(first?.excerpt.includes('F-0-1'));
  judged.summary.gaps = 'See F-0-1,\nF-0-12 and XF-0-1.';
  const placed = numbered(judged, 7);
  assert.equal(placed.summary.gaps, 'See F-7-1,\nF-7-12 and XF-0-1.');
  assert.deepEqual(
    placed.findings.map(({ id }) => id),
    judged.findings.map((_, i) => `F-7-${i + 1}`),
  );
  assert.ok(placed.findings[0]!.excerpt.includes('F-0-1'));
  const evidence = Object.values(placed.domains).flatMap((domain) => domain.evidence);
  assert.ok(evidence.some((id) => id.startsWith('F-7-')));
  assert.ok(placed.maturity.wouldBe.every((would) => would.if.every((id) => id.startsWith('F-7-'))));
});
