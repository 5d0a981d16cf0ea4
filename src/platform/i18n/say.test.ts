// Both catalogues hold the same keys with the same places, and the program uses every one of them.
import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errorCatalogue } from '../base/errors.ts';
import { acceptedLang, catalogues, say, sayer } from './say.ts';

const root = join(import.meta.dirname, '..', '..', '..');

function textsOf(lang: string): Map<string, string> {
  const files = readdirSync(join(root, 'locales', lang)).filter((name) => name.endsWith('.json'));
  const entries = files.flatMap((name) =>
    Object.entries(JSON.parse(readFileSync(join(root, 'locales', lang, name), 'utf8')) as Record<string, string>),
  );
  const texts = new Map(entries);
  assert.equal(texts.size, entries.length, `a key is in two files of ${lang}`);
  return texts;
}

const places = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

/** What in `keys` no source mentions: as a literal, or under the beginning of one: `a.b.${name}`, `'a.b.'`. */
function unusedKeys(keys: readonly string[], sources: readonly string[]): string[] {
  const literals = new Set<string>();
  const beginnings = new Set<string>();
  for (const source of sources) {
    for (const [, literal] of source.matchAll(/['"`]([\w.-]+)['"`]/g)) {
      // `'report.method.'` is handed to a function that adds the name.
      (/\w\.[\w-]+\.$/.test(literal!) ? beginnings : literals).add(literal!);
    }
    // At least one whole word and its dot: `${a}.${b}` alone would make everything count as used.
    for (const [, beginning] of source.matchAll(/`([A-Za-z][\w-]*(?:\.[\w-]+)*\.(?:[\w-]*))\$\{/g))
      beginnings.add(beginning!);
  }
  // `'a.b'` with a number says `a.b.one` or `a.b.many`.
  const used = (key: string) => literals.has(key) || literals.has(key.replace(/\.(?:one|many)$/, ''));
  return keys.filter((key) => !used(key) && ![...beginnings].some((beginning) => key.startsWith(beginning)));
}

test('catalogues hold the same keys in both languages, none empty, all of them read by say.ts', () => {
  const [en, fr] = [textsOf('en'), textsOf('fr')];
  assert.deepEqual([...fr.keys()].sort(), [...en.keys()].sort());
  for (const [lang, texts] of [
    ['en', en],
    ['fr', fr],
  ] as const) {
    for (const [key, text] of texts) assert.ok(text.trim() !== '', `${lang} ${key} is empty`);
    assert.deepEqual(Object.keys(catalogues[lang]).sort(), [...texts.keys()].sort());
  }
});

test('catalogues have the same {places} in both languages', () => {
  const fr = textsOf('fr');
  for (const [key, text] of textsOf('en')) assert.deepEqual(places(fr.get(key) ?? ''), places(text), key);
});

test('catalogues hold no text that the program does not use', () => {
  const sources = globSync(['src/**/*.ts', 'web/**/*.{js,ts,tsx,html}'], { cwd: root, exclude: ['**/node_modules/**'] })
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'));
  const keys = Object.keys(catalogues.en).filter((key) => !Object.hasOwn(errorCatalogue, key.replace(/\.do$/, '')));
  assert.deepEqual(unusedKeys(keys, sources), []);
});

test('unusedKeys() counts a literal and the beginning of a template, and nothing else', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: source text that is searched, not filled
  const source = "say('a.b'); say(`c.d.${name}`); say(`e.${x}`); `${f}.g`; name('j.k.', x); '.j.'; // h.i";
  assert.deepEqual(unusedKeys(['a.b', 'a.c', 'c.d.x', 'c.e', 'e.x', 'f.g', 'h.i', 'j.k.l'], [source]), [
    'a.c',
    'c.e',
    'f.g',
    'h.i',
  ]);
});

test('say() fills every place that has a fact and leaves the others to be seen', () => {
  assert.match(say('en', 'ERR_PORT_BUSY', { port: 80 }), /Port 80 on \{host\}/);
  assert.equal(sayer('fr')('ERR_LANG_UNKNOWN', { lang: 'de' }), say('fr', 'ERR_LANG_UNKNOWN', { lang: 'de' }));
});

const headers: [header: string | undefined, expected: string][] = [
  [undefined, 'en'],
  ['fr-CA,fr;q=0.9,en;q=0.8', 'fr'],
  ['de, en;q=0.3, fr;q=0.7', 'fr'],
  ['fr;q=0, en', 'en'],
  ['*', 'en'],
  [',,;q=x', 'en'],
];
for (const [header, expected] of headers) {
  test(`acceptedLang() answers ${expected} to ${header ?? 'no header'}`, () => {
    assert.equal(acceptedLang(header, 'en'), expected);
  });
}
