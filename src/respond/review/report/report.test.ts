import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { exampleIncident } from '../../escalation/escalation.fixture.ts';
import { renderReport } from './render-report.ts';
import { exampleReport } from './report.fixture.ts';

const formats = ['markdown', 'html'] as const;
const langs = ['en', 'fr'] as const;

/** Kinds of nodes of a Markdown text that do something beside being read. */
function busyNodes(markdown: string): string[] {
  const found: string[] = [];
  const walk = (node: { type: string; children?: unknown[] }): void => {
    if (['html', 'link', 'image', 'definition', 'linkReference', 'imageReference'].includes(node.type))
      found.push(node.type);
    for (const child of node.children ?? []) walk(child as Parameters<typeof walk>[0]);
  };
  walk(fromMarkdown(markdown) as Parameters<typeof walk>[0]);
  return found;
}

test('renderReport() has every part that a report must have, in both languages and forms', () => {
  const parts = {
    en: [
      'Summary',
      'Times',
      'Root cause',
      'corrective',
      'preventive',
      'Impact',
      'Lessons',
      'checklist',
      'Notifications',
      'Timeline',
    ],
    fr: [
      'Résumé',
      'Chronologie',
      'Cause racine',
      'correctives',
      'préventives',
      'Impact',
      'Leçons',
      'contrôle',
      'Notifications',
      'Déroulé',
    ],
  };
  for (const lang of langs)
    for (const format of formats) {
      const text = renderReport(exampleReport(), { lang, format });
      for (const part of parts[lang]) assert.ok(text.includes(part), `${lang} ${format} lacks ${part}`);
      for (const fact of [
        'INC-20260301-120000',
        'd'.repeat(64),
        'smtp-550',
        'A mounted socket',
        '45 min',
        'respond:12:',
      ])
        assert.ok(text.includes(fact), `${lang} ${format} lacks ${fact}`);
      assert.doesNotMatch(text, /\{\w+\}|undefined|review\./);
    }
});

test('renderReport() says in two or three sentences what happened', () => {
  const text = renderReport(exampleReport(), { lang: 'en', format: 'markdown' });
  const summary = /## Summary\n\n(.*)\n/.exec(text)?.[1] ?? '';
  assert.equal(
    summary,
    'Container escape concerning assistant was detected by brute-force on 2026-03-01 12:00:00 UTC, 1 min after it began. 2 actions were carried out by playbooks, and it was contained 6 s after its detection. It was a real incident and is closed.',
  );
});

test('renderReport() orders the moments and keeps a place for those that have not come', () => {
  const text = renderReport(exampleReport({ validatedAt: null, investigationAt: null }), {
    lang: 'en',
    format: 'markdown',
  });
  const rows = [...text.matchAll(/^\| ([A-Z][\w ]+) \| (\d{4}-.*? UTC|not yet) \|/gm)].map(
    ([, name, time]) => `${name}: ${time}`,
  );
  assert.deepEqual(rows.slice(0, 3), [
    'Began: 2026-03-01 11:59:00 UTC',
    'Detected: 2026-03-01 12:00:00 UTC',
    'First emergency action: 2026-03-01 12:00:03 UTC',
  ]);
  assert.deepEqual(
    rows.filter((row) => row.endsWith('not yet')),
    ['Investigation begun: not yet', 'Validated: not yet'],
  );
});

test('renderReport() of a bare incident is whole and says what is not known', () => {
  for (const lang of langs)
    for (const format of formats) {
      const bare = {
        incident: exampleIncident(),
        title: undefined,
        deadlines: [],
        checklist: [],
        messages: [],
        actions: [],
      };
      const text = renderReport({ ...bare, heightened: null, mark: null }, { lang, format });
      assert.doesNotMatch(text, /NaN|Invalid|undefined|null/);
      assert.ok(text.includes(lang === 'en' ? 'not known' : 'inconnu'));
    }
});

test('renderReport() lets nothing of a hostile record act, in Markdown or on the page', () => {
  const hostile =
    '</code><script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) ![y](//evil.example) <https://evil.example> www.evil.example\n# heading\n| a | b |\n```\n\u001b[2J\u202e\u0000';
  const facts = exampleReport({
    subject: hostile,
    causes: [hostile],
    lessons: [hostile],
    actions: { corrective: [{ text: hostile, done: true }], preventive: [] },
    timeline: [{ time: exampleIncident().detectedAt, kind: hostile, by: hostile, facts: { [hostile]: hostile } }],
    playbookRuns: [{ run: hostile, playbook: hostile, state: 'done' }],
  });
  const quiet = busyNodes(renderReport(exampleReport(), { lang: 'en', format: 'markdown' }));
  const markdown = renderReport(facts, { lang: 'en', format: 'markdown' });
  assert.deepEqual([quiet, busyNodes(markdown)], [[], []]);
  assert.equal(markdown.match(/^# /gm)?.length, 1);
  const html = renderReport(facts, { lang: 'en', format: 'html' });
  assert.ok(!/<script|<img|<a |onerror=alert\(1\)>/.test(html));
  for (const text of [markdown, html]) assert.ok(!/[\u0000-\u0008\u001b\u202e]/.test(text));
});

test('renderReport() makes a page that may load and run nothing, with a picture that can be read aloud', () => {
  const html = renderReport(exampleReport(), { lang: 'fr', format: 'html' });
  assert.match(
    html,
    /content="default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'"/,
  );
  assert.match(html, /<html lang="fr">/);
  assert.doesNotMatch(html, / style=| on\w+=|https?:\/\/|url\(/);
  assert.match(html, /<svg [^>]*role="img" aria-labelledby="course-title course-desc">/);
  assert.equal(html.match(/class="moment"/g)?.length, 11);
});

test('renderReport() gives the same bytes for the same record', () => {
  for (const format of formats)
    assert.equal(
      renderReport(exampleReport(), { lang: 'en', format }),
      renderReport(exampleReport(), { lang: 'en', format }),
    );
});
