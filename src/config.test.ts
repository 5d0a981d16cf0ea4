// The configuration as users write it: defaults, environment, mistakes with their reason.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Config, loadConfig } from './config.ts';
import { RempartError } from './platform/base/errors.ts';

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
