// Parsed files come back as they were written, from what was kept too, and anew when what was kept is damaged.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parsedFile, parsedFiles, takeParsedFiles } from './parsed-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-parsed-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'a.yaml');

test('parsedFiles() gives the values of files, kept or not, damaged or changed', (t) => {
  enableCompileCache(join(folder, 'cache'));
  const cache = getCompileCacheDir();
  if (cache === undefined || !cache.startsWith(folder)) return t.skip('this process keeps its cache elsewhere already');
  const kept = () => readdirSync(cache).filter((name) => name.endsWith('.json'));
  writeFileSync(path, 'a: [1, two]\n');
  const expected = JSON.stringify([[path, { a: [1, 'two'] }]]);
  assert.equal(parsedFiles([path]), expected);
  assert.equal(parsedFiles([path]), expected);
  assert.equal(kept().length, 1);
  writeFileSync(join(cache, kept()[0]!), expected.slice(0, 9));
  assert.equal(parsedFiles([path]), expected);
  writeFileSync(path, 'b: null\n');
  assert.equal(parsedFiles([path]), JSON.stringify([[path, { b: null }]]));
  assert.equal(kept().length, 2);
});

test('parsedFile() gives what was handed over, and parses the rest', () => {
  takeParsedFiles(JSON.stringify([[path, null]]));
  assert.equal(parsedFile(path, 'b: 1'), null);
  assert.deepEqual(parsedFile(join(folder, 'other.yaml'), 'b: 1'), { b: 1 });
});
