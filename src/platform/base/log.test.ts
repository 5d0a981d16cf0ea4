// The technical log: nothing secret is in it, and nothing of it reaches the stream that users read.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLog, type Log } from './log.ts';

const secret = 'sk-canary-5f1e0c77';

function logged(write: (log: Log) => void): string {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-log-'));
  const file = join(dir, 'log');
  const fd = openSync(file, 'w');
  try {
    write(createLog('debug', fd));
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(fd);
    rmSync(dir, { recursive: true });
  }
}

for (const name of [
  'key',
  'apiKey',
  'authorization',
  'password',
  'secret',
  'token',
  'cookie',
  'prompt',
  'message',
  'text',
]) {
  test(`createLog() redacts "${name}" at the depths that our code logs`, () => {
    const text = logged((log) => {
      log.info({ [name]: secret }, 'plain');
      log.info({ provider: { [name]: secret } }, 'nested');
      log.info({ a: { b: { [name]: secret } } }, 'deep');
    });
    assert.doesNotMatch(text, /canary/);
    assert.equal(text.match(/\[redacted\]/g)?.length, 3);
  });
}

test('createLog() says of an error its name and codes, never its words, stack or cause', () => {
  const cause = Object.assign(new Error(`connect to ${secret}`), { code: 'ECONNREFUSED' });
  const error = Object.assign(new Error(`POST http://10.0.0.1/${secret} failed`, { cause }), {
    code: 'ERR_STORE_AWAY',
  });
  const line = JSON.parse(logged((log) => log.warn({ err: error }, 'an attempt failed'))) as Record<string, unknown>;
  assert.deepEqual(line['err'], { name: 'Error', code: 'ERR_STORE_AWAY', cause: 'ECONNREFUSED' });
  assert.equal(line['msg'], 'an attempt failed');
});

test('createLog() keeps hostile text on one line', () => {
  const text = logged((log) => log.info({ subject: 'a\r\n{"level":60,"msg":"forged"}\u001b[2J' }, 'seen'));
  assert.equal(text.trimEnd().split('\n').length, 1);
  assert.doesNotMatch(text, /\u001b/);
});

test('createLog() writes to the technical stream and leaves the one that users read empty', () => {
  const script = `import { createLog } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))}; createLog('info').error({ code: 'ERR_X' }, 'technical');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.match(stderr, /"msg":"technical"/);
});
