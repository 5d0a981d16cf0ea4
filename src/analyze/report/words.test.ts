import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analysisOf, conversationOf } from './fixture.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import { repairsText, words } from './words.ts';

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
