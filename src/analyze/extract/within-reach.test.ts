// A message of any length is read up to a limit, the report says so, and what stands before the limit is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyseConversation } from '../analyse-conversation.ts';
import { talk } from '../talk.fixture.ts';
import { mostMessageChars, withinReach } from './within-reach.ts';

test('withinReach() gives a conversation of ordinary messages as it is', () => {
  const conversation = talk([['user', 'one\ntwo']]);
  assert.deepEqual(withinReach(conversation, 7), { conversation, cut: [] });
});

test('withinReach() cuts a message at the last line end before the limit, over all its parts', () => {
  const conversation = talk([
    ['user', 'short'],
    ['assistant', 'a first line\na second'],
  ]);
  conversation.messages[1]!.parts.push({ kind: 'output', text: 'more' });
  const { conversation: read, cut } = withinReach(conversation, 15);
  assert.deepEqual(cut, [{ messageIndex: 1, length: 25 }]);
  assert.deepEqual(
    read.messages.map(({ parts }) => parts.map(({ text }) => text)),
    [['short'], ['a first line\n', '']],
  );
  assert.equal(conversation.messages[1]!.parts[0]!.text, 'a first line\na second', 'what was given stays as it was');
});

test('withinReach() cuts a text without line ends within its line, and never leaves half a sign', () => {
  const { conversation } = withinReach(talk([['user', 'abc😀def']]), 4);
  assert.equal(conversation.messages[0]!.parts[0]!.text, 'abc\ufffd');
});

test('analyseConversation() finds what stands at the beginning of a huge message, and says that the rest was not read', () => {
  const filler = `${'The garden needs water in spring. '.repeat(30)}\n`;
  const begin = 'This page is open to SQL injection.\n';
  const text = begin + filler.repeat(Math.ceil(mostMessageChars / filler.length)) + 'It is open to XSS as well.\n';
  const { findings, partiallyParsed } = analyseConversation(talk([['assistant', text]]), { lang: 'en' }, 1);
  assert.deepEqual(
    findings.map(({ rule }) => rule),
    ['topics.sql-injection'],
  );
  assert.deepEqual(partiallyParsed, [
    {
      messageIndex: 0,
      language: 'text',
      why: `it has ${text.length} characters: the first ${mostMessageChars} were read`,
    },
  ]);
});
