// Access tokens: what opens, and every known way of making a gateway believe one that it should not.
import assert from 'node:assert/strict';
import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { createSharedMemory } from '../../../platform/shared/memory.ts';
import { openSet } from '../../../platform/shared/set.ts';
import { createKeySets } from './key-set.ts';
import { createRevocations, type Revocation } from './revocations.ts';
import { type TokenIssuer, tokenIssuerSchema, tokenIssues } from './token-settings.ts';
import { createTokens, type FoundToken } from './tokens.ts';

const start = 1_800_000_000;
let time = start * 1_000;
const now = () => time;
const secret = 'a secret of more than thirty-two bytes, for tests';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const small = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const pem = (key: KeyObject) =>
  key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString();

/** As the configuration gives it once `env:` is resolved. */
function issuer(given: Record<string, unknown>): TokenIssuer {
  const { keys = [], signing, ...rest } = given as { keys?: { key: string }[]; signing?: { key: string } };
  const base = tokenIssuerSchema.parse({ issuer: 'https://id.test', audience: 'rempart', ...rest });
  return { ...base, keys: keys as TokenIssuer['keys'], ...(signing ? { signing: signing as never } : {}) };
}

interface Given {
  alg?: string;
  key?: KeyObject;
  kid?: string;
  typ?: string;
  claims?: JWTPayload;
}

function make({ alg = 'HS256', key = createSecretKey(Buffer.from(secret)), kid, typ, claims = {} }: Given = {}) {
  const all = { iss: 'https://id.test', aud: 'rempart', sub: 'ada', iat: start, exp: start + 600, ...claims };
  const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new SignJWT(kept)
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }), ...(typ === undefined ? {} : { typ }) })
    .sign(key);
}

function rig(settings: Record<string, unknown> | TokenIssuer[]) {
  const stored: unknown[] = [];
  const revocations = createRevocations({
    now,
    repository: {
      load: async () => [],
      insert: async (one) => {
        stored.push(one);
      },
    },
  });
  const issuers = Array.isArray(settings) ? settings : [issuer(settings)];
  const tokens = createTokens({ now, fetch, log: { warn() {} }, revocations }, issuers);
  return { revocations, find: async (token: string): Promise<FoundToken> => tokens.find(token), tokens };
}

const hs = { keys: [{ key: secret, algorithm: 'HS256' }] };
const unknown = { kind: 'refused', reason: 'unknown' };

for (const [alg, key, opens] of [
  ['HS256', createSecretKey(Buffer.from(secret)), secret],
  ['RS256', rsa.privateKey, pem(rsa.publicKey)],
  ['ES256', ec.privateKey, pem(ec.publicKey)],
  ['EdDSA', ed.privateKey, pem(ed.publicKey)],
] as const)
  test(`createTokens() takes ${alg}, and refuses it once a bit of it is changed`, async () => {
    const { find } = rig({ keys: [{ key: opens, algorithm: alg }] });
    const token = await make({ alg, key });
    const found = await find(token);
    assert.equal(found.kind === 'accepted' && found.bearer.subject, 'ada');
    const [head, body, mark = ''] = token.split('.');
    const other = mark.startsWith('A') ? `B${mark.slice(1)}` : `A${mark.slice(1)}`;
    assert.deepEqual(await find(`${head}.${body}.${other}`), unknown);
    const forged = Buffer.from(
      JSON.stringify({ iss: 'https://id.test', aud: 'rempart', sub: 'eve', iat: start, exp: start + 600 }),
    );
    assert.deepEqual(await find(`${head}.${forged.toString('base64url')}.${mark}`), unknown);
  });

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { iss: 'https://id.test', aud: 'rempart', sub: 'eve', iat: start, exp: start + 600 };

test('createTokens() refuses none, in any spelling, with and without a signature', async () => {
  const { find } = rig({ keys: [{ key: pem(rsa.publicKey), algorithm: 'RS256' }, ...hs.keys] });
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'HS384', 'PS256'])
    for (const mark of ['', 'AAAA', createHmac('sha256', secret).update('x').digest('base64url')])
      assert.deepEqual(await find(`${part({ alg, typ: 'JWT' })}.${part(claims)}.${mark}`), unknown, alg);
});

test('createTokens() refuses an HMAC made with a public key, in each of its forms', async () => {
  const jwk = await exportJWK(rsa.publicKey);
  for (const settings of [
    { keys: [{ key: pem(rsa.publicKey), algorithm: 'RS256' }] },
    { keys: [{ key: pem(rsa.publicKey), algorithm: 'RS256' }, ...hs.keys] },
  ]) {
    const { find } = rig(settings);
    for (const stolen of [pem(rsa.publicKey), pem(rsa.publicKey).trim(), JSON.stringify(jwk)]) {
      const head = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
      const mark = createHmac('sha256', stolen).update(head).digest('base64url');
      assert.deepEqual(await find(`${head}.${mark}`), unknown);
    }
    const good = await make({ alg: 'RS256', key: rsa.privateKey });
    assert.equal((await find(good)).kind, 'accepted', 'what is right opens');
  }
});

test('createTokens() believes no key that a token brings along', async () => {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { find } = rig({ keys: [{ key: pem(ec.publicKey), algorithm: 'ES256' }] });
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', jwk: await exportJWK(own.publicKey), jku: 'https://evil.test/keys' } as never)
    .sign(own.privateKey);
  assert.deepEqual(await find(token), unknown);
});

for (const [what, given, expected] of [
  ['another audience', { aud: 'other' }, 'unknown'],
  ['no audience', { aud: undefined }, 'unknown'],
  ['ours among several audiences', { aud: ['other', 'rempart'] }, 'accepted'],
  ['another issuer', { iss: 'https://evil.test' }, 'unknown'],
  ['no issuer', { iss: undefined }, 'unknown'],
  ['no end', { exp: undefined }, 'unknown'],
  ['no beginning', { iat: undefined }, 'unknown'],
  ['an end that is past', { iat: start - 600, exp: start - 31 }, 'expired'],
  ['an end that is past within the tolerance', { iat: start - 600, exp: start - 29 }, 'accepted'],
  ['a beginning to come', { nbf: start + 31 }, 'unknown'],
  ['a beginning to come within the tolerance', { nbf: start + 29 }, 'accepted'],
  ['an issue to come', { iat: start + 31, exp: start + 600 }, 'unknown'],
  ['too long a life', { exp: start + 25 * 3_600 }, 'unknown'],
  ['an end that is a text', { exp: `${start + 600}` as never }, 'unknown'],
  ['user_id in place of sub', { sub: undefined, user_id: 'ada' }, 'accepted'],
  ['a number in user_id', { sub: undefined, user_id: 42 }, 'accepted'],
  ['neither sub nor user_id', { sub: undefined }, 'unknown'],
  ['a subject that forges a row', { sub: 'ada\nroot  admin' }, 'unknown'],
  ['the name of the console’s administrator', { sub: 'admin' }, 'unknown'],
  ['a scope that cannot be read', { scope: { model: '*' } as never }, 'unknown'],
] as [string, JWTPayload, string][])
  test(`createTokens() says ${expected} to a token with ${what}`, async () => {
    const { find } = rig(hs);
    const found = await find(await make({ claims: given }));
    assert.equal(found.kind === 'refused' ? found.reason : found.kind, expected);
  });

test('createTokens() takes no identity token or logout token for an access token', async () => {
  const { find } = rig(hs);
  for (const [typ, kind] of [
    ['at+jwt', 'accepted'],
    ['JWT', 'accepted'],
    ['logout+jwt', 'refused'],
    ['secevent+jwt', 'refused'],
  ] as const)
    assert.equal((await find(await make({ typ }))).kind, kind, typ);
});

test('createTokens() gives the role that the configuration gives, and never more by itself', async () => {
  const roleOf = async (settings: Record<string, unknown>, given: JWTPayload) => {
    const found = await rig({ ...hs, ...settings }).find(await make({ claims: given }));
    return found.kind === 'accepted' ? found.bearer.role : found;
  };
  assert.equal(await roleOf({}, { role: 'admin' }), 'user');
  assert.equal(await roleOf({ roleClaim: 'role' }, { role: 'admin' }), 'user');
  assert.equal(await roleOf({ roleClaim: 'role' }, { role: 'operator' }), 'user');
  assert.equal(await roleOf({ roleClaim: 'role' }, { role: 'viewer' }), 'viewer');
  assert.equal(await roleOf({ roleClaim: 'role' }, { role: '__proto__' }), 'user');
  const groups = { roleClaim: 'groups', roles: { chiefs: 'admin', night: 'operator' } };
  assert.equal(await roleOf(groups, { groups: ['x', 'night', 'chiefs'] }), 'admin');
  assert.equal(await roleOf(groups, { groups: ['night'] }), 'operator');
  assert.equal(await roleOf(groups, { groups: ['admin'] }), 'user');
});

test('createTokens() narrows to the scopes of the claim, of a list or of a text', async () => {
  const { find } = rig(hs);
  for (const scope of ['openid model:mistral-* route:/v1/*', ['openid', 'model:mistral-*', 'route:/v1/*']]) {
    const found = await find(await make({ claims: { scope } }));
    assert.deepEqual(found.kind === 'accepted' && found.bearer.scopes, { models: ['mistral-*'], routes: ['/v1/*'] });
  }
  const free = await find(await make({ claims: { scope: 'openid profile' } }));
  assert.equal(free.kind === 'accepted' && free.bearer.scopes, undefined);
});

test('createTokens() remembers a token until it ends or is revoked, by its id or with all of its subject until then', async () => {
  const { find, tokens, revocations } = rig(hs);
  const first = await make({ claims: { jti: 'one' } });
  const second = await make({ claims: { jti: 'two', iat: start } });
  assert.equal((await find(first)).kind, 'accepted');
  assert.ok(!(tokens.find(first) instanceof Promise), 'the second look is at once');
  assert.equal((await find(second)).kind, 'accepted');
  await revocations.revoke({ kind: 'jti', value: 'one', at: time });
  assert.deepEqual(await find(first), { kind: 'refused', reason: 'revoked', credential: 'jwt_one' });
  assert.equal((await find(second)).kind, 'accepted');
  await revocations.revoke({ kind: 'subject', value: 'ada', at: time + 500 });
  assert.equal((await find(second)).kind, 'refused');
  time += 1_000;
  const later = await make({ claims: { jti: 'three', iat: start + 1 } });
  assert.equal((await find(later)).kind, 'accepted', 'what was given afterwards is good');
  time += 700_000;
  assert.deepEqual(await find(later), { kind: 'refused', reason: 'expired', credential: 'jwt_three' });
  time = start * 1_000;
});

test('createTokens() closes with its subject a token whose issuer’s clock is ahead, and does not open it again later', async () => {
  const { find, revocations } = rig(hs);
  const ahead = await make({ claims: { jti: 'ahead', iat: start + 25 } });
  assert.equal((await find(ahead)).kind, 'accepted');
  time += 5_000;
  await revocations.revoke({ kind: 'subject', value: 'ada', at: time });
  assert.equal((await find(ahead)).kind, 'refused', 'it was here before, whatever it says');
  time += 60_000;
  assert.equal((await find(ahead)).kind, 'refused');
  assert.equal((await find(await make({ claims: { jti: 'new', iat: start + 60 } }))).kind, 'accepted');
  time = start * 1_000;
});

test('createRevocations() holds at once for every thread, and to the moment once the word has come', async () => {
  const revoked = openSet(createSharedMemory({ known: 2, anyone: 2, set: 64 }));
  const repository = { load: async () => [], insert: async () => {} };
  const told: Revocation[] = [];
  const here = createRevocations({ now, repository, revoked, onChange: (one) => told.push(one) });
  const there = createRevocations({ now, repository, revoked });
  const subject = { subject: 'ada', issuedAt: time - 5_000 };
  assert.equal(there.isRevoked({ ...subject, jti: 'one' }), false);
  await here.revoke({ kind: 'jti', value: 'one', at: time });
  await here.revoke({ kind: 'subject', value: 'ada', at: time });
  assert.equal(there.isRevoked({ jti: 'one', subject: 'bob', issuedAt: time }), true);
  assert.equal(there.isRevoked(subject), true);
  assert.equal(
    there.isRevoked({ subject: 'ada', issuedAt: time + 5_000 }),
    true,
    'all of them, until the word has come',
  );
  for (const one of told) there.learn(one);
  assert.equal(there.isRevoked({ subject: 'ada', issuedAt: time + 5_000 }), false);
  assert.equal(there.isRevoked(subject), true);
});

test('tokenIssues() names each key that is not what it should be', () => {
  for (const [settings, issue] of [
    [{ keys: [{ key: pem(rsa.publicKey), algorithm: 'HS256' }] }, 'access.issue.public-as-secret'],
    [{ keys: [{ key: 'short', algorithm: 'HS256' }] }, 'access.issue.secret-short'],
    [{ keys: [{ key: pem(small.publicKey), algorithm: 'RS256' }] }, 'access.issue.public-key'],
    [{ keys: [{ key: pem(ec.publicKey), algorithm: 'RS256' }] }, 'access.issue.public-key'],
    [{ keys: [{ key: 'nonsense', algorithm: 'EdDSA' }] }, 'access.issue.public-key'],
    [{ signing: { key: pem(rsa.publicKey), algorithm: 'RS256' } }, 'access.issue.private-key'],
    [{ jwks: 'http://id.test/keys' }, 'access.issue.jwks'],
    [{ jwks: 'file:///etc/passwd' }, 'access.issue.jwks'],
    [{}, 'access.issue.no-keys'],
  ] as const)
    assert.deepEqual(
      tokenIssues([issuer(settings)]).map((found) => found.issue),
      [issue],
    );
  assert.deepEqual(tokenIssues([issuer({ ...hs, jwks: 'http://127.0.0.1:1/keys' })]), []);
  assert.equal(tokenIssues([issuer(hs), issuer(hs)])[0]?.issue, 'access.issue.issuer-twice');
});

// A provider's key set over a real socket.
const state = { keys: [] as unknown[], status: 200, asked: 0, body: undefined as string | undefined, location: '' };
const server = createServer((_, res) => {
  state.asked++;
  res.writeHead(state.status, {
    'content-type': 'application/json',
    ...(state.location ? { location: state.location } : {}),
  });
  res.end(state.body ?? JSON.stringify({ keys: state.keys }));
});
let url = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
});
after(() => server.close());
const reset = (keys: unknown[]) => Object.assign(state, { keys, status: 200, asked: 0, body: undefined, location: '' });
const jwkOf = async (key: KeyObject, kid: string, alg: string) => ({ ...(await exportJWK(key)), kid, alg, use: 'sig' });

test('createTokens() follows a JWK set through a rotation, and asks once however many come', async () => {
  reset([await jwkOf(rsa.publicKey, 'a', 'RS256')]);
  const { find } = rig({ jwks: url });
  const old = await make({ alg: 'RS256', key: rsa.privateKey, kid: 'a' });
  const all = await Promise.all(Array.from({ length: 20 }, () => find(old)));
  assert.ok(all.every(({ kind }) => kind === 'accepted'));
  assert.equal(state.asked, 1);
  state.keys = [await jwkOf(ec.publicKey, 'b', 'ES256')];
  const fresh = await make({ alg: 'ES256', key: ec.privateKey, kid: 'b' });
  assert.equal((await find(fresh)).kind, 'accepted');
  assert.equal(state.asked, 2);
  time += 601_000;
  const later = await make({ alg: 'RS256', key: rsa.privateKey, kid: 'a', claims: { exp: start + 3_000 } });
  assert.deepEqual(await find(later), unknown, 'the key that was withdrawn opens nothing');
  time = start * 1_000;
});

test('createTokens() looks for made-up key ids once in half a minute, no more', async () => {
  reset([await jwkOf(rsa.publicKey, 'a', 'RS256')]);
  const { find } = rig({ jwks: url });
  await find(await make({ alg: 'RS256', key: rsa.privateKey, kid: 'a' }));
  for (let i = 0; i < 30; i++) await find(await make({ alg: 'ES256', key: ec.privateKey, kid: `made-up-${i}` }));
  assert.equal(state.asked, 2);
  time += 31_000;
  for (let i = 0; i < 30; i++) await find(await make({ alg: 'ES256', key: ec.privateKey, kid: `other-${i}` }));
  assert.equal(state.asked, 3);
  const first = rig({ jwks: url });
  await first.find(await make({ alg: 'ES256', key: ec.privateKey, kid: 'nobody-knows' }));
  assert.equal(state.asked, 4, 'a set that was fetched for this very token is not fetched again for it');
  time = start * 1_000;
});

test('createTokens() takes no other spelling of a good signature', async () => {
  const { find } = rig(hs);
  const good = await make({});
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const last of alphabet) {
    const token = good.slice(0, -1) + last;
    assert.equal((await find(token)).kind, token === good ? 'accepted' : 'refused', last);
  }
});

test('createTokens() keeps the last good keys while the address is down, and says so when there never were any', async () => {
  reset([await jwkOf(ed.publicKey, 'e', 'EdDSA')]);
  const { find } = rig({ jwks: url });
  assert.equal((await find(await make({ alg: 'EdDSA', key: ed.privateKey, kid: 'e' }))).kind, 'accepted');
  state.status = 500;
  time += 700_000;
  const claims = { iat: start + 690, exp: start + 1_200 };
  const next = await make({ alg: 'EdDSA', key: ed.privateKey, kid: 'e', claims });
  assert.equal((await find(next)).kind, 'accepted');
  const none = rig({ jwks: url });
  assert.deepEqual(await none.find(next), { kind: 'away', seconds: 5 });
  time = start * 1_000;
});

test('createTokens() made anew, as a reload does, still knows the keys of an issuer that is away', async () => {
  reset([await jwkOf(ed.publicKey, 'e', 'EdDSA')]);
  const parts = { now, fetch, log: { warn() {} }, revocations: { isRevoked: () => false } };
  const keySets = createKeySets(parts);
  const settings = [issuer({ jwks: url })];
  const token = await make({ alg: 'EdDSA', key: ed.privateKey, kid: 'e' });
  assert.equal((await createTokens({ ...parts, keySets }, settings).find(token)).kind, 'accepted');
  state.status = 500;
  assert.equal((await createTokens({ ...parts, keySets }, settings).find(token)).kind, 'accepted');
  assert.equal(state.asked, 1);
});

test('createTokens() takes no secret, no private and no weak key from a JWK set, and no redirect', async () => {
  const oct = { kty: 'oct', k: Buffer.from(secret).toString('base64url'), alg: 'HS256', kid: 'o' };
  reset([oct, await jwkOf(small.publicKey, 's', 'RS256'), await jwkOf(ec.publicKey, 'b', 'ES256')]);
  const { find } = rig({ jwks: url });
  assert.deepEqual(await find(await make({ kid: 'o' })), unknown);
  assert.equal((await find(await make({ alg: 'ES256', key: ec.privateKey, kid: 'b' }))).kind, 'accepted');
  for (const broken of [
    { body: '{"keys":[]}' },
    { body: `{"keys":[${JSON.stringify(oct)}]}` },
    { body: 'x'.repeat(300_000) },
    { body: '{' },
    { status: 302, location: url },
  ]) {
    reset([]);
    Object.assign(state, broken);
    const found = await rig({ jwks: url }).find(await make({ alg: 'ES256', key: ec.privateKey, kid: 'b' }));
    assert.equal(found.kind, 'away', JSON.stringify(broken).slice(0, 60));
  }
});
