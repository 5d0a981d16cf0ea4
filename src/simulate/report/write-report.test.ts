// The files of a report: for the eyes of whoever ran it, as the evidence is.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fixture } from './fixture.ts';
import { writeReport } from './write-report.ts';

test('writeReport() writes files that only their owner can read', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-report-'));
  const files = { 'report.json': '{}', 'report.md': '', 'report.html': '', 'junit.xml': '' };
  writeReport(dir, { doc: fixture().doc, lines: 0, files });
  const modes = readdirSync(dir).map((name) => statSync(join(dir, name)).mode & 0o777);
  assert.deepEqual(modes, [0o600, 0o600, 0o600, 0o600]);
  rmSync(dir, { recursive: true });
});
