// The report of `analyze` as its readers meet it: the form, the links, the numbers, and hostile text that stays text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Nodes, Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { analysisOf, conversationOf, findingOf, hostile, hostileConversation } from '../src/analyze/report/fixture.ts';
import { renderJson } from '../src/analyze/report/json.ts';
import { renderMarkdown } from '../src/analyze/report/markdown.ts';
import { fence, oneLine, richLine } from '../src/analyze/report/markdown-text.ts';
import { conclusionText, words } from '../src/analyze/report/words.ts';
import { assertGrowth } from '../src/platform/base/test-time.ts';
import type { Analysis } from '../src/platform/documents/analysis.ts';

const markdown = (doc: Analysis) => [...renderMarkdown(doc)].join('');

function nodes(tree: Root, type: Nodes['type']): Nodes[] {
  const found: Nodes[] = [];
  const walk = (node: Nodes): void => {
    if (node.type === type) found.push(node);
    if ('children' in node) for (const child of node.children) walk(child);
  };
  walk(tree);
  return found;
}

function textOf(node: Nodes): string {
  if ('value' in node) return node.value;
  return 'children' in node ? node.children.map(textOf).join('') : '';
}

/** GitHub's anchors, written down once more: of the text that the rendered page shows. */
function anchors(tree: Root): string[] {
  const seen = new Set<string>();
  return nodes(tree, 'heading').map((heading) => {
    const base = textOf(heading)
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    let name = base;
    for (let n = 1; seen.has(name); n++) name = `${base}-${n}`;
    seen.add(name);
    return name;
  });
}

const sections = {
  fr: [
    'Résumé Exécutif',
    'Vulnérabilités Identifiées',
    'Bonnes Pratiques Appliquées',
    'Recommandations Additionnelles',
    'Score de Maturité: 6,5/10',
    'Domaines Couverts',
  ],
  en: [
    'Executive Summary',
    'Vulnerabilities Identified',
    'Good Practices Applied',
    'Additional Recommendations',
    'Maturity Score: 6.5/10',
    'Domains Covered',
  ],
} as const;

for (const lang of ['fr', 'en'] as const) {
  test(`renderMarkdown() has every section of a conversation in its order, in ${lang}`, () => {
    const headings = nodes(fromMarkdown(markdown(analysisOf(lang))), 'heading').map(textOf);
    const first = headings.indexOf('1. Python login');
    const second = headings.indexOf('2. Python login');
    const own = headings.slice(first + 1, second).filter((text) => !/^\d/.test(text));
    assert.deepEqual(
      own.slice(1).map((text) => text.replace(/^\S+ /u, '')),
      sections[lang],
    );
  });

  test(`renderMarkdown() links only to headings that are there, in ${lang}`, () => {
    const tree = fromMarkdown(markdown(analysisOf(lang)));
    const known = new Set(anchors(tree).map((name) => `#${name}`));
    const links = nodes(tree, 'link').map((link) => (link.type === 'link' ? decodeURI(link.url) : ''));
    assert.equal(links.length, 6);
    assert.equal(new Set(links).size, 6);
    for (const link of links) assert.ok(known.has(link), link);
  });
}

test('renderMarkdown() names anchors as GitHub does where a title takes the anchor of a finding', () => {
  const leak = { title: 'Leak', severity: 'low' } as const;
  const findings = [findingOf('F-1-1', leak), findingOf('F-1-2', leak)];
  const titles = ['1. Leak (LOW)', 'Leak LOW', 'Leak (LOW)', '`code` *a*', 'two  spaces', '🔒 Ünï_cödé', ''];
  const doc = analysisOf(
    'en',
    titles.map((title, index) => conversationOf(`c${index}`, { title, findings })),
  );
  const tree = fromMarkdown(markdown(doc));
  const known = new Set(anchors(tree).map((name) => `#${name}`));
  const links = nodes(tree, 'link').map((link) => (link.type === 'link' ? decodeURI(link.url) : ''));
  const headings = nodes(tree, 'heading');
  const conversations = anchors(tree).filter((_, at) => {
    const heading = headings[at]!;
    return heading.type === 'heading' && heading.depth === 2 && /^\d+\. /.test(textOf(heading));
  });
  assert.deepEqual(
    links.slice(0, -1),
    conversations.map((name) => `#${name}`),
  );
  assert.ok(known.has(links.at(-1)!));
});

test('renderMarkdown() says date, numbers and severities as French readers do', () => {
  const text = markdown(analysisOf('fr'));
  for (const expected of [
    '**Date**: 26/10/2025 à 21:52:37',
    '**Nombre de conversations**: 5',
    '- ✅ Succès: 4',
    '- ❌ Erreurs: 1',
    '**Format**: LECHAT',
    '**Tokens**: 1\u202f328',
    '**Tokens**: 350 (estimé)',
    '**Statut**: ✅ Succès',
    '**Statut**: ❌ Erreur',
    '### 1. **SQL built from text** (CRITIQUE)',
    '### 2. **Weak hash** (ÉLEVÉ)',
    '### 3. **No limit on attempts** (MOYEN)',
    "introduite au message 4 par l'utilisateur, corrigée au message 6 par l'assistant",
    '- [x] Sécurité réseau (partiellement, through isolation)',
    '- [ ] CSRF (Cross-Site Request Forgery) (non applicable)',
    'Le score serait de 8/10 si F-1-1 était corrigé.',
  ])
    assert.ok(text.includes(expected), expected);
  assert.ok(markdown(analysisOf('en')).includes('**Tokens**: 1,328'));
});

test('renderMarkdown() says that nothing is explicit before it lists what is possible', () => {
  const text = markdown(analysisOf('en'));
  const third = text.slice(text.indexOf('## 3. '), text.indexOf('## 4. '));
  const said = third.indexOf('No explicit vulnerability was found');
  assert.ok(said > 0 && said < third.indexOf('### 1. '), third);
  assert.doesNotMatch(text.slice(text.indexOf('## 1. '), text.indexOf('## 2. ')), /No explicit vulnerability/);
});

test('renderMarkdown() gives the same bytes for the same document', () => {
  assert.equal(markdown(analysisOf('fr')), markdown(structuredClone(analysisOf('fr'))));
});

/** What a document of ordinary text is made of: nothing else may come in with a conversation's text. */
function shape(doc: Analysis): Record<string, number> {
  const tree = fromMarkdown(markdown(doc));
  const kinds = ['heading', 'link', 'image', 'html', 'definition', 'thematicBreak', 'code', 'blockquote'] as const;
  return Object.fromEntries(kinds.map((kind) => [kind, nodes(tree, kind).length]));
}

/** The hostile conversation with another text in the place of the hostile one. */
function conversationSaying(text: string): Analysis {
  const swapped = JSON.parse(JSON.stringify(hostileConversation()), (_, value: unknown) =>
    typeof value === 'string' ? value.replaceAll(hostile, text) : value,
  ) as ReturnType<typeof hostileConversation>;
  return analysisOf('en', [swapped]);
}

test('renderMarkdown() is built alike whatever a conversation says', () => {
  // Two lines, so that the example is a block in both.
  const plain = shape(conversationSaying('ordinary\nwords'));
  assert.deepEqual([plain['html'], plain['image'], plain['link']], [0, 0, 1]);
  assert.deepEqual(shape(conversationSaying(hostile)), plain);
  const bits = fc.constantFrom(
    ...['`', '```', '~~~', '\n', '\n\n', '    ', '# ', '- ', '> ', '1. ', '---', '===', '<b>', '<!--', '-->', '[a](b)'],
    ...[
      '![',
      '](',
      '[x]: /y',
      '**',
      '_',
      '\\',
      '|',
      'http://a.b',
      'www.a.b',
      'a@b.c',
      '&amp;',
      '\r',
      '\u2028',
      '\t',
      'w',
    ],
  );
  fc.assert(
    fc.property(fc.array(bits, { minLength: 1, maxLength: 12 }), (pieces) => {
      assert.deepEqual(shape(conversationSaying(`a\n${pieces.join('')}\nz`)), plain);
    }),
    { numRuns: 300, seed: 6 },
  );
});

test('renderMarkdown() shows what turns text round and what a terminal obeys', () => {
  const text = markdown(analysisOf('en'));
  assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
  assert.ok(text.includes('‹U+202E›txt␇'));
});

test('renderMarkdown() says that there was nothing', () => {
  const text = markdown(analysisOf('fr', []));
  assert.match(text, /\*\*Nombre de conversations\*\*: 0/);
  assert.match(text, /Aucune conversation/);
});

const lines: [text: string, written: string][] = [
  ['see https://evil.example/a_b now', 'see `https://evil.example/a_b` now'],
  ['www.evil.example', '`www.evil.example`'],
  ['write to a@evil.example', 'write to `a@evil.example`'],
  ['ask @somebody', 'ask `@somebody`'],
  ['http://a/`b``c', '```http://a/`b``c```'],
  ['example_lechat_json & C++', 'example_lechat_json & C++'],
  ['_said_ *so* &lt; $x$', '\\_said\\_ \\*so\\* \\&lt; \\$x\\$'],
  ['# 1. a', '\\# 1. a'],
  ['1. a', '1\\. a'],
  ['a\nb\r\n\tc', 'a b c'],
];
for (const [text, written] of lines) {
  test(`oneLine() writes ${JSON.stringify(text)} as ${JSON.stringify(written)}`, () => {
    assert.equal(oneLine(text), written);
  });
}

test('richLine() shows as code what stands between backquotes, and nothing else', () => {
  assert.equal(richLine('use `a_b*` or *c* `'), 'use `a_b*` or \\*c\\* \\`');
});

test('fence() names only languages that no renderer draws', () => {
  assert.match(fence('graph TD', 'mermaid'), /^```\n/);
  assert.match(fence('x', 'python'), /^```python\n/);
});

test('oneLine() takes time in proportion to the text', () => {
  const work = (length: number) => {
    const text = `${'a'.repeat(length)}:${'`'.repeat(length)}`;
    return () => [oneLine(text), richLine(text)];
  };
  assertGrowth({ what: 'a long word and many backticks', work, lengths: [100_000, 1_000_000], mostMs: 2_000 });
});

test('renderJson() writes what steers a terminal or turns text round as escapes, and the data stays the same', () => {
  const title = 'a\u009b31m\u0085\u007f\u2028\u2029\u202e\u2066\u061c\u200f\ufeff é 漢 🔒';
  const document = analysisOf('en', [conversationOf('c1', { title, source: title, models: [title] })]);
  const text = [...renderJson(document)].join('');
  assert.doesNotMatch(text, /[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/u);
  assert.ok(text.includes('\\u202e') && text.includes(' é 漢 🔒'));
  assert.deepEqual(
    JSON.parse(text),
    JSON.parse(JSON.stringify({ ...document, conversations: [...document.conversations] })),
  );
});

test('conclusionText() agrees with the number of findings that a better score takes', () => {
  const given = (ids: string[]) => {
    const it = conversationOf('c1', { findings: ids.map((id) => findingOf(id)) });
    return conclusionText(
      { ...it, maturity: { ...it.maturity, score: 2, wouldBe: [{ if: ids, score: 8 }] } },
      words('fr'),
    );
  };
  assert.match(given(['F-1-1']), /Elle atteindrait 8\/10 une fois F-1-1 corrigé\.$/);
  assert.match(given(['F-1-1', 'F-1-2']), /Elle atteindrait 8\/10 une fois F-1-1, F-1-2 corrigés\.$/);
});
