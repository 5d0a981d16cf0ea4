import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analysisOf, conversationOf } from './fixture.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import { firstOf, repairsText, words } from './words.ts';

test('repairsText() says in words what was mended, and shows a code that it does not know', () => {
  assert.equal(
    repairsText(['bom', 'mojibake'], words('fr')),
    "marque d'ordre des octets retirée, accents décodés deux fois rétablis",
  );
  assert.equal(repairsText(['new-kind'], words('en')), 'new-kind');
});

test('the report says in words what was mended', () => {
  const mended = conversationOf('c1');
  mended.statistics.repairs = ['lone-surrogate'];
  const source = analysisOf('en', [mended]);
  for (const render of [renderMarkdown, renderHtml]) {
    const text = [...render(source)].join('');
    assert.match(text, /broken characters replaced/);
  }
});

test('firstOf() gives twenty of many and says how many more there are', () => {
  const numbers = Array.from({ length: 25 }, (_, index) => index);
  assert.deepEqual(firstOf(numbers.slice(0, 20), words('en')), { shown: numbers.slice(0, 20), more: [] });
  assert.deepEqual(firstOf(numbers, words('fr')), { shown: numbers.slice(0, 20), more: ['et 5 autres'] });
});

test('the report tells weaknesses of the same title apart by their rules', () => {
  const source = analysisOf('en', [conversationOf('c1'), conversationOf('c2')]);
  const common = { title: 'SQL injection', conversations: ['c1', 'c2'], count: 2 };
  source.across = {
    recurring: [
      { rule: 'go.sql', ...common },
      { rule: 'php.sql', ...common },
    ],
    sameSnippet: [],
    byModel: [],
  };
  for (const render of [renderMarkdown, renderHtml]) {
    const text = [...render(source)].join('');
    assert.match(text, /SQL injection \(`?go\.sql`?\): 2 times/);
    assert.match(text, /SQL injection \(`?php\.sql`?\): 2 times/);
  }
});
