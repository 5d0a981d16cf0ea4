// The configuration as users write it: defaults, environment, mistakes with their reason.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Config, loadConfig } from './config.ts';
import { explainError, RempartError } from './platform/base/errors.ts';

function load(yaml: string | null, env: Record<string, string> = {}): Config {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-config-'));
  const file = join(dir, 'rempart.yaml');
  try {
    if (yaml !== null) writeFileSync(file, yaml);
    return loadConfig({ file, asked: yaml !== null, env });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function refused(yaml: string, env: Record<string, string> = {}): RempartError {
  try {
    load(yaml, env);
  } catch (error) {
    assert.ok(error instanceof RempartError);
    return error;
  }
  throw new assert.AssertionError({ message: 'the configuration was accepted' });
}

test('loadConfig() answers the defaults when there is no file', () => {
  const config = load(null);
  assert.equal(config.gateway.host, '127.0.0.1');
  assert.equal(config.gateway.port, 8080);
  assert.equal(config.console.port, 8081);
  assert.deepEqual(config.providers, []);
});

test('loadConfig() refuses a file that was named and is not there', () => {
  assert.throws(
    () => loadConfig({ file: '/nowhere/rempart.yaml', asked: true, env: {} }),
    (error: RempartError) => error.code === 'ERR_CONFIG_UNREADABLE' && error.exit === 2,
  );
});

for (const [yaml, key, nearest] of [
  ['gatway: {}\n', 'gatway', 'gateway'],
  ['gateway: { prot: 1 }\n', 'gateway.prot', 'port'],
  ['gateway: { timeouts: { conectMs: 1 } }\n', 'gateway.timeouts.conectMs', 'connectMs'],
  ['providers: [{ name: a, dialect: openai, ulr: "http://x" }]\n', 'providers.0.ulr', 'url'],
] as const) {
  test(`loadConfig() names the unknown key ${key} and suggests ${nearest}`, () => {
    const { code, facts, exit } = refused(yaml);
    assert.equal(code, 'ERR_CONFIG_UNKNOWN_KEY');
    assert.equal(exit, 2);
    assert.equal(facts['key'], key);
    assert.equal(facts['nearest'], nearest);
  });
}

test('loadConfig() names the place of a value that is not valid', () => {
  const { code, facts } = refused('gateway: { port: 99999 }\n');
  assert.equal(code, 'ERR_CONFIG_INVALID');
  assert.equal(facts['path'], 'gateway.port');
});

test('loadConfig() refuses YAML that is none', () => {
  assert.equal(refused('gateway: [\n').code, 'ERR_CONFIG_UNREADABLE');
});

test('loadConfig() takes secrets from the environment and from files, and never from the file itself', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-secret-'));
  writeFileSync(join(dir, 'key'), 'from-a-file\n');
  const provider = (key: string) => `providers: [{ name: a, dialect: openai, url: "http://x", key: "${key}" }]\n`;
  assert.equal(load(provider('env:THE_KEY'), { THE_KEY: 'from-env' }).providers[0]?.key, 'from-env');
  assert.equal(load(provider(`file:${join(dir, 'key')}`)).providers[0]?.key, 'from-a-file');
  const { code, message } = refused(provider('sk-plain-text-key'));
  assert.equal(code, 'ERR_CONFIG_INVALID');
  assert.doesNotMatch(message, /sk-plain/);
  rmSync(dir, { recursive: true });
});

test('loadConfig() says which secret is missing, and where it is named', () => {
  const { code, facts } = refused('access: { keys: [{ key: env:NOT_SET, subject: s }] }\n');
  assert.equal(code, 'ERR_SECRET_MISSING');
  assert.deepEqual(facts, { name: 'NOT_SET', path: 'access.keys.0.key' });
});

test('loadConfig() uses DATABASE_URL unless the file names a store', () => {
  assert.equal(load(null, { DATABASE_URL: 'postgres://h/d' }).store.url, 'postgres://h/d');
  assert.equal(
    load('store: { url: env:MINE }\n', { DATABASE_URL: 'postgres://h/d', MINE: 'postgres://m/d' }).store.url,
    'postgres://m/d',
  );
});

test('loadConfig() answers an object that nobody can change', () => {
  const config = load('providers: [{ name: a, dialect: openai, url: "http://x" }]\n');
  assert.throws(() => Object.assign(config.gateway, { port: 1 }), TypeError);
  assert.throws(() => Object.assign(config.providers[0]!, { url: 'http://y' }), TypeError);
});

const provider = (url: string, name = 'a') => `{ name: ${name}, dialect: openai, url: "${url}" }`;
const wrong: [what: string, yaml: string, path: string, en: RegExp, fr: RegExp, env?: Record<string, string>][] = [
  [
    'an address that is none',
    `providers: [${provider('not a url')}]`,
    'providers.0.url',
    /begins with http/,
    /commence par http/,
  ],
  [
    'an address of another kind',
    `providers: [${provider('ftp://h')}]`,
    'providers.0.url',
    /begins with http/,
    /commence par http/,
  ],
  [
    'an address with a password',
    `providers: [${provider('https://u:p@h')}]`,
    'providers.0.url',
    /no name or password/,
    /ni nom ni mot de passe/,
  ],
  [
    'an address with a query',
    `providers: [${provider('https://h/?a=1')}]`,
    'providers.0.url',
    /no \? and no #/,
    /ni \? ni #/,
  ],
  [
    'an address of the environment',
    `providers: [${provider('env:U')}]`,
    'providers.0.url',
    /begins with http/,
    /commence/,
    { U: 'x' },
  ],
  [
    'two providers of one name',
    `providers: [${provider('http://h')}, ${provider('http://i')}]`,
    'providers.1.name',
    /already called "a"/,
    /s'appelle déjà « a »/,
  ],
  [
    'a name with capitals',
    `providers: [${provider('http://h', 'Main')}]`,
    'providers.0.name',
    /small letters/,
    /minuscules/,
  ],
  [
    'a webhook that is no address',
    'alerts: { webhook: "mailto:a@b" }',
    'alerts.webhook',
    /begins with http/,
    /commence par http/,
  ],
  ['a store of another kind', 'store: { url: env:D }', 'store.url', /postgres:/, /postgres:/, { D: 'mysql://h/d' }],
  ['a key in clear', 'access: { keys: [{ key: sk-1, subject: s }] }', 'access.keys.0.key', /env:NAME/, /env:NOM/],
  ['a word that is not one of those known', 'lang: de', 'lang', /one of fr, en$/, /ces valeurs : fr, en$/],
  ['a number that is too large', 'gateway: { port: 99999 }', 'gateway.port', /at most 65535/, /au plus 65535/],
  ['a fraction', 'gateway: { port: 1.5 }', 'gateway.port', /a whole number/, /un nombre entier/],
  ['a text for a number', 'gateway: { port: eighty }', 'gateway.port', /a number/, /un nombre/],
  [
    'a missing value',
    'access: { keys: [{ key: env:K }] }',
    'access.keys.0.subject',
    /it is missing/,
    /cette valeur manque/,
  ],
  ['a list for a group', 'gateway: []', 'gateway', /a group of keys/, /un groupe de clés/],
];
for (const [what, yaml, path, en, fr, env = {}] of wrong) {
  test(`loadConfig() refuses ${what}, in both languages`, () => {
    const error = refused(yaml, env);
    assert.equal(error.code, 'ERR_CONFIG_INVALID');
    assert.equal(error.facts['path'], path);
    assert.match(explainError(error, 'en').says, en);
    assert.match(explainError(error, 'fr').says, fr);
  });
}

test('loadConfig() says where YAML is wrong, and that a file is not there, in both languages', () => {
  const twice = refused('lang: fr\nlang: en\n');
  assert.match(explainError(twice, 'en').says, /line 2, column 1: this key is there twice$/);
  assert.match(explainError(twice, 'fr').says, /ligne 2, colonne 1 : cette clé figure deux fois$/);
  assert.match(explainError(refused('gateway: [\n'), 'fr').says, /ligne 2, colonne 1 : ce n'est pas du YAML$/);
  assert.match(explainError(refused('lang: *nothing\n'), 'fr').says, /ce n'est pas du YAML utilisable ici$/);
});

test('loadConfig() takes an empty secret for a missing one', () => {
  const { code } = refused('access: { keys: [{ key: env:EMPTY, subject: s }] }\n', { EMPTY: '' });
  assert.equal(code, 'ERR_SECRET_MISSING');
});

test('loadConfig() refuses the subject of a key that would forge a row of a list', () => {
  const error = refused('access: { keys: [{ key: "env:K", subject: "ev\\x1b[31mil\\nrmp_x  admin" }] }', { K: 'k' });
  assert.equal(error.code, 'ERR_CONFIG_INVALID');
  assert.match(explainError(error, 'en').says, /"access\.keys\.0\.subject": a name has 1 to 100 characters/);
});

test('loadConfig() takes a number from the environment, and says what is wrong with one that is none', () => {
  const yaml = 'gateway: { port: env:PORT, timeouts: { firstByteMs: env:FIRST } }\n';
  const { gateway } = load(yaml, { PORT: '9000', FIRST: '1' });
  assert.equal(gateway.port, 9000);
  assert.equal(gateway.timeouts.firstByteMs, 1);
  assert.equal(refused(yaml, { PORT: '9000' }).code, 'ERR_SECRET_MISSING');
  for (const PORT of ['many', '70000', '-1', '1.5']) {
    const { code, facts } = refused(yaml, { PORT, FIRST: '1' });
    assert.equal(code, 'ERR_CONFIG_INVALID', PORT);
    assert.equal(facts['path'], 'gateway.port');
  }
});

for (const [proxy, url, expected] of [
  ['auto', 'https://a.example', 'http://p:1/'],
  ['auto', 'http://127.0.0.1:11434', 'none'],
  ['environment', 'http://127.0.0.1:11434', 'http://p:1/'],
  ['none', 'https://a.example', 'none'],
  ['http://me:secret@q:2', 'https://a.example', 'http://me:secret@q:2'],
] as const)
  test(`loadConfig() goes to ${url} by way of ${expected} where the proxy is ${proxy}`, () => {
    const yaml = `providers: [{ name: a, dialect: openai, url: "${url}", proxy: "${proxy}" }]\n`;
    assert.equal(load(yaml, { ALL_PROXY: 'http://p:1' }).providers[0]?.proxy, expected);
  });

test('loadConfig() refuses a proxy that is no address', () => {
  const { facts } = refused('providers: [{ name: a, dialect: openai, url: "http://x", proxy: "socks5://p" }]\n');
  assert.equal(facts['path'], 'providers.0.proxy');
});
