// The catalogue, its texts and its page say the same.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogues } from '../i18n/say.ts';
import { type ErrorCode, errorCatalogue, explainError, RempartError } from './errors.ts';

const root = join(import.meta.dirname, '..', '..', '..');

test('errorCatalogue is what docs/errors.md lists', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.ts', '--check'], { cwd: root });
  assert.equal(status, 0, stderr.toString());
});

test('docs.ts --check exits 1 and names the page when it differs', (t) => {
  const copy = mkdtempSync(join(tmpdir(), 'rempart-docs-'));
  t.after(() => rmSync(copy, { recursive: true }));
  for (const part of [
    'scripts',
    'src/platform',
    'src/protect/alert-rules',
    'src/respond/playbooks',
    'locales',
    'rules',
    'deploy',
    'package.json',
  ]) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  for (const part of ['errors.md', 'rules-table.md', 'schemas'])
    cpSync(join(root, 'docs', part), join(copy, 'docs', part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const check = () => spawnSync(process.execPath, ['scripts/docs.ts', '--check'], { cwd: copy });
  assert.equal(check().status, 0);
  writeFileSync(join(copy, 'docs', 'errors.md'), '# Errors\n');
  const { status, stderr } = check();
  assert.equal(status, 1);
  assert.match(stderr.toString(), /docs\/errors\.md differs/);
});

test('errorCatalogue has a sentence and what to do for each code, in both languages, and no text is without its code', () => {
  const codes = Object.keys(errorCatalogue);
  for (const texts of [catalogues.en, catalogues.fr] as Record<string, string>[]) {
    const keys = Object.keys(texts).filter((key) => key.startsWith('ERR_'));
    assert.deepEqual(keys.sort(), codes.flatMap((code) => [code, `${code}.do`]).sort());
    for (const key of keys) assert.doesNotMatch(texts[key]!, key.endsWith('.do') ? /[^.!?]$/ : /\.$/, key);
  }
});

test('explainError() fills the sentence and the advice with the same facts', () => {
  const error = new RempartError('ERR_PORT_BUSY' satisfies ErrorCode, {
    port: 8080,
    host: '127.0.0.1',
    flag: '--port',
  });
  assert.match(error.message, /8080.*127\.0\.0\.1/);
  assert.equal(error.exit, 3);
  assert.match(explainError(error, 'fr').todo, /--port/);
  assert.equal(new RempartError('ERR_RATE_LIMITED').http, 429);
  const wait = (seconds: number, lang: 'en' | 'fr') =>
    explainError(new RempartError('ERR_RATE_LIMITED', { seconds }), lang).todo.replaceAll('\u00a0', ' ');
  assert.equal(wait(1, 'en'), 'Try again in 1 second.');
  assert.equal(wait(121, 'fr'), 'Réessayez dans 3 minutes.');
  assert.equal(wait(86_400, 'fr'), 'Réessayez dans 24 heures.');
});
