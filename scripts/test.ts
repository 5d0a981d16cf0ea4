// Runs every test with node:test and closes with one line: N passed, N failed.
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const torture = process.argv.includes('--torture');
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files =
  named.length > 0
    ? named
    : globSync(torture ? ['test/torture/**/*.ts'] : ['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root }).filter(
        (file) => torture || !file.includes('torture'),
      );
const folder = mkdtempSync(join(tmpdir(), 'rempart-test-'));
const tap = join(folder, 'tap');
const result = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=2',
    // A limit for what never ends, not for what a busy machine takes long over.
    `--test-timeout=${torture ? 3_600_000 : 900_000}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(import.meta.dirname, 'slowest-files.ts')}`,
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tap}`,
    ...files.sort(),
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
);
const report = readFileSync(tap, 'utf8');
rmSync(folder, { recursive: true });
const count = (name: string) => Number(report.match(new RegExp(`^# ${name} (\\d+)`, 'm'))?.[1] ?? 0);
for (const line of report.matchAll(/^\s*ok \d+ - (.*) # SKIP ?(.*)$/gm))
  console.log(`skipped: ${line[1]}: ${line[2] || 'no reason'}`);
const failed = count('fail') + count('cancelled');
console.log(`${count('pass')} passed, ${failed} failed`);
process.exitCode = failed > 0 || result.status !== 0 || count('pass') === 0 ? 1 : 0;
