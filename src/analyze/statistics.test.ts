import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conversationSchema } from '../platform/documents/analysis.ts';
import { analyseConversation } from './analyse-conversation.ts';
import { talk } from './talk.fixture.ts';

test('statisticsOf() counts no branches, and not less than none, where nobody said anything', () => {
  const { statistics } = conversationSchema.parse(analyseConversation(talk([]), { lang: 'en' }, 1));
  assert.equal(statistics.branches, 0);
  assert.equal(statistics.messages, 0);
});

test('statisticsOf() counts branches beside the main one, and the lines of code without the end of the last', () => {
  const forked = talk([
    ['user', 'Hello'],
    ['assistant', '```python\nx = 1\ny = 2\n```'],
    ['assistant', 'No code'],
  ]);
  forked.messages[2]!.branch = 'branch-1';
  const { statistics } = analyseConversation(forked, { lang: 'en' }, 1);
  assert.deepEqual([statistics.branches, statistics.codeBlocks, statistics.codeLines], [1, 1, 2]);
});
