// The report's structure, its links, its bytes, and what becomes of hostile text in Markdown and XML.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { scenarioIds, scenarioMethods, simulationSchema } from '../../platform/documents/simulation.ts';
import { type Lang, sayer } from '../../platform/i18n/say.ts';
import { evidenceLine } from '../scenarios/evidence.ts';
import { checkIds } from '../scoring/rubric.ts';
import { anchor } from './blocks.ts';
import { escapeHtml, escapeMarkdown } from './escape.ts';
import { fixture, hostile } from './fixture.ts';
import { renderHtml } from './html.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { visible, words } from './text.ts';

const langs: readonly Lang[] = ['fr', 'en'];
const unescapedPipes = (line: string) => line.replace(/\\[^\n]/g, '').match(/\|/g)?.length ?? 0;

test('fixture() is a document and evidence as the program writes them', () => {
  const { doc, evidence } = fixture();
  simulationSchema.parse(doc);
  for (const line of evidence) evidenceLine.parse(line);
});

for (const lang of langs) {
  describe(`in ${lang}`, () => {
    const say = sayer(lang);
    const input = () => ({ ...fixture(), lang });
    const markdown = renderMarkdown(input());
    const html = renderHtml(input());

    test('renderMarkdown() and renderHtml() have every section, the verdict and the leaks before the rest', () => {
      const sections = [
        'report.leaks',
        'report.scores',
        'report.metrics',
        'report.restore',
        'report.scenarios',
        'report.recommendations',
        'report.fmea',
        'report.proofs',
        'report.references',
        'report.evidence',
      ] as const;
      const headings = [...markdown.matchAll(/^## (.*)$/gm)].map(([, text]) => text);
      assert.deepEqual(
        headings,
        sections.map((key) => escapeMarkdown(say(key))),
      );
      const inHtml = [...html.matchAll(/<h2[^>]*>(.*?)<\/h2>/g)].map(([, text]) => text);
      assert.deepEqual(
        inHtml,
        sections.map((key) => escapeHtml(say(key))),
      );
      for (const text of [markdown, html]) {
        const first = text.indexOf(text === html ? escapeHtml(say('report.restored.no')) : say('report.restored.no'));
        assert.ok(
          first > 0 && first < text.indexOf(say('report.contents')) && text.indexOf('leaks') < text.indexOf('scores'),
        );
      }
    });

    test('renderMarkdown() and renderHtml() show all six scenarios, and what was not assessed never as points', () => {
      const table = markdown.slice(markdown.indexOf('<a id="scores">'), markdown.indexOf('<a id="metrics">'));
      const rows = table.split('\n').filter((line) => line.startsWith('| ['));
      assert.equal(rows.length, 6);
      assert.equal(rows.filter((row) => row.split(say('report.not-assessed')).length === 7).length, 5);
      for (const id of scenarioIds) {
        assert.ok(html.includes(`<h3 id="scenario-${id}">`), id);
        assert.ok(markdown.includes(`### ${say(`simulate.scenario.${id}`)}`), id);
      }
      const onlyOne = fixture().doc;
      onlyOne.scenarios = onlyOne.scenarios.slice(0, 1);
      const rendered = renderHtml({ ...fixture(), doc: onlyOne, lang });
      assert.equal(rendered.split(escapeHtml(say('report.scenario.not-run'))).length - 1, 5);
    });

    test('renderMarkdown() says pace, provisional, restored, hashes and how to recompute', () => {
      for (const key of ['report.pace.quick', 'report.restored.no'] as const)
        assert.ok(markdown.includes(say(key)), key);
      assert.ok(markdown.includes(say('report.provisional', { count: 1 })));
      for (const fact of [
        'a'.repeat(64),
        'b'.repeat(64),
        'rempart rescore DIR',
        'evidence.jsonl',
        'CWE-209',
        'WSTG-ERRH-02',
      ]) {
        assert.ok(markdown.includes(fact), fact);
      }
    });

    test('renderMarkdown() and renderHtml() say nothing of leaks that were not, and nothing was restored that was not', () => {
      const { doc, evidence } = fixture();
      doc.scenarios = doc.scenarios.map((s) => ({ ...s, methods: s.methods.map((m) => ({ ...m, leaks: [] })) }));
      const clean = { doc: { ...doc, exposed: 0, restored: true, provisional: false }, evidence, lang };
      for (const text of [renderMarkdown(clean), renderHtml(clean)]) {
        assert.ok(text.includes(say('report.restored.yes')) && !text.includes(say('report.restored.no')));
        assert.ok(!text.includes(say('report.provisional', { count: 1 })));
        assert.ok(!text.includes(say('report.leaks.intro')));
      }
    });

    test('renderHtml() and renderMarkdown() link only to places that exist, once each', () => {
      for (const [text, link, place] of [
        [html, /href="#([^"]*)"/g, /\bid="([^"]*)"/g],
        [markdown, /\]\(#([^)]*)\)/g, /<a id="([^"]*)">/g],
      ] as const) {
        const places = [...text.matchAll(place)].map(([, id]) => id!);
        assert.equal(new Set(places).size, places.length, 'two places share a name');
        const links = [...text.matchAll(link)].map(([, id]) => id!);
        assert.ok(links.length > 30);
        for (const id of links) assert.ok(places.includes(id), `#${id} leads nowhere`);
      }
    });

    test('renderHtml() and renderMarkdown() give the same bytes for the same run', () => {
      assert.equal(renderHtml(input()), html);
      assert.equal(renderMarkdown(input()), markdown);
    });

    test('renderMarkdown() keeps tables, links and lines whole whatever the target answered', () => {
      const lines = markdown.split('\n');
      for (const [index, line] of lines.entries()) {
        if (!/^\| (---|---:) \|/.test(line)) continue;
        for (let row = index - 1; lines[row]!.startsWith('|'); row++)
          assert.equal(unescapedPipes(lines[row]!), unescapedPipes(line), lines[row]);
      }
      // What is escaped, or stands in a code span, means nothing.
      const bare = markdown.replace(/\\[^\n]/g, '').replace(/`[^`\n]+`/g, '');
      const tags = new Set(bare.match(/<[^>]*>?/g));
      for (const tag of tags) assert.match(tag, /^<(a id="[\w-]+"|\/a|\/?code)>$/);
      for (const [, target] of bare.matchAll(/\]\(([^)]*)\)/g)) assert.match(target!, /^#[\w-]+$/);
      assert.doesNotMatch(bare, /:\/\/|!\[|www\./);
      assert.doesNotMatch(markdown, /\u001b|\u202e|\u200b|\u0000/);
      assert.doesNotMatch(markdown, /sk-canary-/);
    });

    test('renderHtml() shows hostile text as text and no planted secret', () => {
      assert.ok(html.includes('&lt;script&gt;globalThis.ran = true&lt;/script&gt;'));
      assert.doesNotMatch(html, /<(script|img|link|iframe|object|embed|form|base)\b/i);
      assert.doesNotMatch(html, /<[^>]*\s(on\w+|style|src|href="(?!#))=/i);
      assert.doesNotMatch(html, /\u001b|\u202e|\u200b|\u0000|sk-canary-/);
    });

    test('words() know every check of the rubric and every method of the exercise', () => {
      const { name } = words(lang);
      for (const id of checkIds) assert.notEqual(name(`report.check.${id}`, id), id);
      for (const id of Object.values(scenarioMethods).flat())
        assert.notEqual(name(`report.method.${id}`, '?'), '?', id);
    });
  });
}

test('words() write dates and numbers as the language does', () => {
  assert.equal(words('fr').instant('2026-03-14T09:26:53Z'), '14 mars 2026 à 09:26:53 UTC');
  assert.equal(words('en').instant('2026-03-14T09:26:53Z'), '14 March 2026 at 09:26:53 UTC');
  assert.equal(words('fr').number(1234.5), '1\u202f234,5');
  assert.equal(words('en').seconds(154_000), '2 min 34 s');
  assert.deepEqual(words('en').rated(null, 20), { text: 'not assessed', tone: 'none' });
  assert.deepEqual(words('en').rated(17.9, 20), { text: '17.9 (good)', tone: 'good' });
  assert.deepEqual(words('en').rated(79, 100, true), { text: '79 / 100 (fair)', tone: 'fair' });
});

test('renderJunit() counts failures, skips what is inconclusive or was not run, and calls a broken baseline an error', () => {
  const xml = renderJunit(fixture().doc);
  assert.equal(renderJunit(fixture().doc), xml);
  assert.match(xml, /<testsuites [^>]*tests="9" failures="3" errors="1" skipped="4"/);
  assert.deepEqual(
    [...xml.matchAll(/<testsuite name="([\w-]+)"/g)].map(([, name]) => name),
    scenarioIds,
  );
  assert.match(xml, /<testcase classname="network-cut\.mid-stream" name="notice"\/>/);
  assert.match(xml, /name="no-key"><failure message="[^"]*\(0\/16\)"\/>/);
  assert.match(xml, /name="cpu"><skipped message="no load &lt;script&gt;/);
  assert.match(xml, /name="corrupted"><error /);
});

test('escapeHtml() and escapeMarkdown() leave nothing that acts, for any text', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...hostile), fc.string());
  fc.assert(
    fc.property(text, (raw) => {
      assert.doesNotMatch(escapeHtml(raw), /[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
      const bare = escapeMarkdown(raw).replace(/\\[!-/:-@[-`{-~]/g, 'x');
      assert.doesNotMatch(bare, /[\\`*_<>[\]|~&\n]|^[#+=-]|^\d+[.)]/);
    }),
  );
});

test('visible() shows control, bidirectional and invisible characters instead of passing them on', () => {
  assert.equal(visible('a\u001b[31m\u0000\u202Eb\u200B\uD800\n'), 'a␛[31m␀‹U+202E›b‹U+200B›\uFFFD\n');
});

test('anchor() never gives two texts one name', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.match(anchor('x', a), /^[\w-]+$/);
      assert.equal(anchor('x', a) === anchor('x', b), a === b);
    }),
  );
});
