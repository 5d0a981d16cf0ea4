// Who comes in and who does not, with the real keys and sessions.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { RempartError } from '../platform/base/errors.ts';
import type { JsonObject } from '../platform/base/json.ts';
import { createAccess } from './access.ts';
import { createSessions } from './chatbot/sessions.ts';
import type { FailedAuth } from './gateway/failed-auth.ts';
import { createKeys, type GivenKey, type KeyRecord } from './gateway/keys.ts';
import { createRecordActivity } from './record-activity.ts';

function makeRig(given: GivenKey[] = []) {
  let time = 1_000_000;
  const now = () => time;
  const records: KeyRecord[] = [];
  const keys = createKeys({
    now,
    repository: {
      load: async () => records,
      insert: async (record) => {
        records.push(record);
      },
      revoke: async () => {},
      expire: async () => {},
    },
    given,
  });
  const journalled: JsonObject[] = [];
  let journalAway = false;
  const failures: FailedAuth[] = [];
  let attempts = 0;
  const checks = { running: 0, most: 0, done: 0 };
  const access = createAccess({
    keys,
    sessions: createSessions(now),
    async checkPassword(password) {
      checks.most = Math.max(checks.most, ++checks.running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      checks.running--;
      checks.done++;
      return password === 'right';
    },
    limit: {
      attempt() {
        if (attempts >= 5) throw new RempartError('ERR_RATE_LIMITED', { seconds: 60 });
        attempts++;
        const back = () => {
          attempts--;
        };
        return { succeeded: back, notTried: back };
      },
    },
    failedAuth: (failure) => failures.push(failure),
    record: createRecordActivity({
      now,
      journal: {
        async append(event) {
          if (journalAway) throw new RempartError('ERR_JOURNAL_UNWRITABLE');
          journalled.push(event);
          return { stream: 's', seq: 1, hash: '' };
        },
      },
    }),
    now,
  });
  const request = (token?: string) =>
    ({
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      socket: { remoteAddress: '::ffff:192.0.2.7' },
    }) as unknown as IncomingMessage;
  return {
    access,
    keys,
    journalled,
    failures,
    checks,
    request,
    pass(ms: number) {
      time += ms;
    },
    setJournalAway(value: boolean) {
      journalAway = value;
    },
  };
}

const isInvalid = { code: 'ERR_KEY_INVALID' };

test('createAccess() ends a session with the revocation of the key that opened it, and names the key while it lasts', async () => {
  const { access, keys, request, failures } = makeRig();
  const { secret, record } = await keys.create({ subject: 'alice', role: 'user' });
  const { token } = await access.login({ key: secret }, '192.0.2.7');
  const caller = await access.authenticate(request(token));
  assert.deepEqual([caller.subject, caller.role, caller.sourceIp], ['alice', 'user', '192.0.2.7']);
  assert.match(caller.credential, new RegExp(`^${record.id}/session-`));
  await keys.revoke(record.id);
  await assert.rejects(access.authenticate(request(token)), isInvalid);
  assert.equal(access.ofSession(token, ''), undefined);
  assert.deepEqual(
    failures.map(({ reason, credential }) => [reason, credential]),
    [['expired', record.id]],
  );
});

test('createAccess() ends a session when the key that opened it expires', async () => {
  const { access, keys, request, pass } = makeRig();
  const { secret } = await keys.create({ subject: 'alice', role: 'user', expiresAt: 1_000_000 + 60_000 });
  const { token } = await access.login({ key: secret }, '');
  pass(59_000);
  await access.authenticate(request(token));
  pass(1_001);
  await assert.rejects(access.authenticate(request(token)), isInvalid);
});

test('createAccess() takes a key of the configuration that begins as a session does', async () => {
  const { access, request } = makeRig([{ key: 'rps_given', subject: 'user', role: 'user' }]);
  assert.equal((await access.authenticate(request('rps_given'))).subject, 'user');
});

test('createAccess() reports every key that is missing or wrong', async () => {
  const { access, request, failures } = makeRig();
  await assert.rejects(access.authenticate(request()), { code: 'ERR_KEY_MISSING' });
  await assert.rejects(access.authenticate(request('guess')), isInvalid);
  await assert.rejects(access.authenticate(request('rps_guess')), isInvalid);
  await assert.rejects(access.login({ key: 'guess' }, '192.0.2.7'), isInvalid);
  assert.deepEqual(
    failures.map(({ reason, sourceIp }) => [reason, sourceIp]),
    ['missing', 'unknown', 'expired', 'login'].map((reason) => [reason, '192.0.2.7']),
  );
});

test('createAccess() lets five of sixty parallel wrong passwords be checked, two at once, and reports all sixty', async () => {
  const { access, failures, checks } = makeRig();
  const codes = await Promise.all(
    Array.from({ length: 60 }, () =>
      access.login({ password: 'wrong' }, '192.0.2.7').then(
        () => 'in',
        (error: RempartError) => error.code,
      ),
    ),
  );
  const count = (code: string) => codes.filter((other) => other === code).length;
  assert.deepEqual([count('ERR_KEY_INVALID'), count('ERR_RATE_LIMITED')], [5, 55]);
  assert.deepEqual([checks.done, checks.most], [5, 2]);
  assert.equal(failures.length, 60);
});

test('createAccess() journals logins and logouts, and opens no session that could not be journalled', async () => {
  const { access, journalled, setJournalAway } = makeRig();
  const { token } = await access.login({ password: 'right' }, '192.0.2.7');
  await access.logout(token, '192.0.2.7');
  assert.equal(access.ofSession(token, ''), undefined);
  assert.deepEqual(
    journalled.map((event) => [
      event['class_uid'],
      event['activity_id'],
      event['status_id'],
      (event['user'] as JsonObject)['name'],
    ]),
    [
      [3002, 1, 1, 'admin'],
      [3002, 2, 1, 'admin'],
    ],
  );
  setJournalAway(true);
  await assert.rejects(access.login({ password: 'right' }, ''), { code: 'ERR_JOURNAL_UNWRITABLE' });
});
