// Conversations kept for the report: the same in memory and on disk, in order, as often as they are asked for.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { keepConversations } from './kept-conversations.ts';
import { conversationOf, hostile } from './report/fixture.ts';

for (const most of [0, 3_000, 1e9]) {
  test(`keepConversations(${most}) gives back what was added, twice, and leaves no file`, () => {
    const kept = keepConversations(most);
    const given = Array.from({ length: 9 }, (_, n) => conversationOf(`c${n}`, { title: `${hostile} é ${n}` }));
    for (const conversation of given) kept.add(Buffer.from(JSON.stringify(conversation)));
    for (let time = 0; time < 2; time++) assert.deepEqual([...kept], given);
    kept.close();
    const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`rempart-analysis-${process.pid}-`));
    assert.deepEqual(left, []);
  });
}
