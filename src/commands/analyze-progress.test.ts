// How far an analysis has come: a bar for a terminal, a line now and then for a file, nothing for what is short.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { sayer } from '../platform/i18n/say.ts';
import { progressText, watchProgress } from './analyze-progress.ts';

const progress = { bytesRead: 50e6, bytesInAll: 200e6, conversations: 1234, known: 0, errors: 0 };

function watched(terminal: boolean, atSeconds: readonly number[]): string[] {
  const stderr = Object.assign(new PassThrough(), { isTTY: terminal });
  let seconds = 0;
  const watch = watchProgress({ stderr, say: sayer('en'), lang: 'en' }, () => seconds * 1_000);
  for (const at of atSeconds) {
    seconds = at;
    watch.show(progress);
  }
  watch.end();
  const text = (stderr.read() as Buffer | null)?.toString() ?? '';
  return terminal ? text.split('\r').slice(1) : text.split('\n').slice(0, -1);
}

test('progressText() says share, pace and how long it still takes, in either language', () => {
  assert.equal(
    progressText(progress, 2, { say: sayer('en'), lang: 'en' }),
    '25% · 50 of 200 MB · 1,234 conversations · 25 MB/s · 0:06 left',
  );
  assert.equal(
    progressText({ ...progress, bytesInAll: 50e9, known: 3 }, 2, { say: sayer('fr'), lang: 'fr' }),
    '0\u202f% · 50 sur 50\u202f000 Mo · 1\u202f234 conversations · 25 Mo/s · encore 33:18 (3 déjà connues)',
  );
});

test('progressText() promises no end where the size is not known', () => {
  const text = progressText({ ...progress, bytesInAll: null }, 2, { say: sayer('en'), lang: 'en' });
  assert.equal(text, '50 MB read · 1,234 conversations · 25 MB/s');
});

test('watchProgress() is silent about what is short', () => {
  assert.deepEqual([watched(true, [0.1, 1.9]), watched(false, [0.1, 1.9])], [[], []]);
});

test('watchProgress() writes a plain line every five seconds where nobody watches', () => {
  const lines = watched(false, [1, 2.1, 3, 6, 7.2, 9, 12.3]);
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line, /^25% · /);
});

test('watchProgress() redraws one line for a terminal and wipes it at the end', () => {
  const drawn = watched(true, [2.1, 2.15, 2.3, 2.5]);
  assert.equal(drawn.length, 4);
  assert.match(drawn[0]!, /^\u001b\[2K█{6}░{18} 25% · /);
  assert.equal(drawn.at(-1), '\u001b[2K');
});
