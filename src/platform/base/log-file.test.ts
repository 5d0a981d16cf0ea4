// The log's file as an operator finds it: appended to, private, set aside when large.
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openLogFile } from './log-file.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-log-'));
after(() => rmSync(root, { recursive: true }));

function write(file: string, text: string): void {
  const fd = openLogFile(file);
  writeSync(fd, text);
  closeSync(fd);
}

test('openLogFile() goes on where the last start ended, for the eyes of its owner only', () => {
  const file = join(root, 'a', 'rempart.log');
  write(file, 'one\n');
  write(file, 'two\n');
  assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(root, 'a')).mode & 0o777, 0o700);
});

test('openLogFile() sets a file beyond 10 MiB aside and begins anew', () => {
  const file = join(root, 'b', 'rempart.log');
  write(file, 'old\n');
  truncateSync(file, 10 * 1024 * 1024 + 1);
  write(file, 'new\n');
  assert.equal(readFileSync(file, 'utf8'), 'new\n');
  assert.equal(statSync(`${file}.1`).size, 10 * 1024 * 1024 + 1);
});
