// Journal records without names: who had a credential is known by a pseudonym, and nothing else is touched.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../platform/base/json.ts';
import { createPseudonyms, isPseudonym, pseudonymousJournal, withoutNames } from './pseudonym.ts';

const key = new Uint8Array(32).fill(7);
const pseudonymOf = createPseudonyms(key);
const alice = pseudonymOf('alice');

test('createPseudonyms() gives one name the same pseudonym for one key, and another for another key', () => {
  assert.ok(isPseudonym(alice));
  assert.equal(createPseudonyms(key)('alice'), alice);
  assert.notEqual(pseudonymOf('Alice'), alice);
  assert.notEqual(createPseudonyms(new Uint8Array(32))('alice'), alice);
});

for (const [what, event] of [
  ['the caller of a request', { actor: { user: { name: 'alice', uid: 'rmp_1', type: 'user' } } }],
  ['the user of an action', { actor: { user: { name: 'alice', credential_uid: 'rmp_1' } } }],
  ['who logged in', { user: { name: 'alice', credential_uid: 'session-1' } }],
  ['the subject beside a finding', { unmapped: { subject: 'alice', rules: ['r'] } }],
  ['the holder of a new key', { unmapped: { key: { id: 'rmp_1', subject: 'alice' } } }],
  ['whose tokens are revoked', { unmapped: { token: { subject: 'alice' } } }],
] as [string, JsonObject][])
  test(`withoutNames() replaces ${what} and leaves the event itself as it was`, () => {
    const before = JSON.stringify(event);
    assert.equal(JSON.stringify(withoutNames(event, pseudonymOf)), before.replace('"alice"', `"${alice}"`));
    assert.equal(JSON.stringify(event), before);
  });

for (const event of [
  { actor: { user: { name: 'owner of the data directory' } } },
  { user: { name: 'unknown', uid: 'rmp_1' } },
  { unmapped: { phase: 'received', key: 'text', token: null } },
] as JsonObject[])
  test(`withoutNames() leaves ${JSON.stringify(event)} alone`, () => {
    assert.equal(withoutNames(event, pseudonymOf), event);
  });

test('pseudonymousJournal() appends what has no names', async () => {
  const appended: JsonObject[] = [];
  const journal = pseudonymousJournal(
    {
      async append(event) {
        appended.push(event);
        return { stream: 's', seq: 1, hash: '' };
      },
      checkpoint: async () => {},
      close: async () => {},
    },
    pseudonymOf,
  );
  await journal.append({ actor: { user: { name: 'alice', uid: 'rmp_1' } } });
  assert.deepEqual(appended, [{ actor: { user: { name: alice, uid: 'rmp_1' } } }]);
});
