// A secret file is made once, for its owner alone.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readOrCreateSecret } from './secret-file.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-secret-'));
after(() => rmSync(root, { recursive: true }));

test('readOrCreateSecret() makes a secret once, with the rights 0600 and nothing left beside it', () => {
  const file = join(root, 'sub', 'hmac.key');
  const first = readOrCreateSecret(file, 32);
  assert.equal(first.length, 32);
  assert.notDeepEqual(first, Buffer.alloc(32));
  assert.deepEqual(readOrCreateSecret(file, 32), first);
  assert.notDeepEqual(readOrCreateSecret(join(root, 'other.key'), 32), first);
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(root, 'sub')), ['hmac.key']);
});
