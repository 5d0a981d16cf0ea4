import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fastHmac } from './fast-hmac.ts';

test('fastHmac() says what createHmac does, for keys and texts of every length and script', () => {
  for (const keyLength of [1, 32, 64, 65, 200]) {
    const key = randomBytes(keyLength);
    const hmac = fastHmac(key);
    for (const text of ['', 'a', 'é'.repeat(40), '\u{1f600}\ud800 end', 'x'.repeat(4_032), 'ß'.repeat(30_000), 'again'])
      assert.equal(hmac(text), createHmac('sha256', key).update(text).digest('hex'), `${keyLength} ${text.length}`);
  }
});
