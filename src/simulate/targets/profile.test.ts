// The target profile read as users write it: defaults, refusals with their reason, placeholders, pointers.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of a profile
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { errorCatalogue, explainError, RempartError } from '../../platform/base/errors.ts';
import { atPointer, fill, loadProfile, placeholdersIn, profilePath, uses } from './profile.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-profile-'));
after(() => rmSync(folder, { recursive: true }));

const least = 'name: bot\nask: { request: { url: "http://127.0.0.1:1/chat" } }\n';
function load(text: string) {
  const file = join(folder, 'bot.yaml');
  writeFileSync(file, text);
  return loadProfile(file);
}
function refusal(text: string): RempartError {
  try {
    load(text);
  } catch (error) {
    assert.ok(error instanceof RempartError, String(error));
    assert.equal(errorCatalogue[error.code].exit, 2);
    return error;
  }
  assert.fail('the profile was accepted');
}

test('loadProfile() needs a name and an ask, and gives every other key its default', () => {
  const { file, ...profile } = load(least);
  assert.equal(file, join(folder, 'bot.yaml'));
  assert.deepEqual(profile, {
    name: 'bot',
    language: 'en',
    ask: { request: { method: 'GET', url: 'http://127.0.0.1:1/chat', headers: {} }, answer: '' },
    identities: {},
    procedures: {},
    logs: ['stdout', 'stderr'],
    upstream: { dialect: 'openai', real: null, hosts: [], timeoutMs: 8000 },
    database: { kind: 'none' },
  });
  for (const missing of ['name: bot\n', 'ask: { request: { url: x } }\n', '']) {
    assert.equal(refusal(missing).code, 'ERR_PROFILE_INVALID');
  }
});

for (const shipped of ['naive/naive.yaml', 'builtin.yaml']) {
  test(`loadProfile() reads targets/${shipped}`, () => {
    const profile = loadProfile(join(import.meta.dirname, '../../../targets', shipped));
    assert.equal(profile.language, 'fr');
    assert.equal(profile.database.kind, 'sqlite');
    assert.ok(uses(profile, 'upstream.key'));
  });
}

test('loadProfile() names an unknown key and the nearest known one', () => {
  const error = refusal(`${least}helth: { url: "http://127.0.0.1:1/" }\n`);
  assert.equal(error.code, 'ERR_PROFILE_INVALID');
  assert.match(explainError(error, 'en').says, /"helth", did you mean "health"\?/);
  assert.match(explainError(error, 'fr').says, /« helth » inconnue, vouliez-vous dire « health » \?/);
});

test('loadProfile() names an unknown key below the top with its path, and the nearest one there', () => {
  const error = refusal('name: bot\nask: { request: { url: x, metod: POST } }\n');
  assert.equal(error.facts['path'], 'ask.request.metod');
  assert.match(explainError(error, 'en').says, /"metod", did you mean "method"\?/);
});

test('loadProfile() says in both languages what a value must be', () => {
  const error = refusal(`${least}start: { command: [x], ready: { url: x, within: soon } }\n`);
  assert.match(explainError(error, 'en').says, /at "start\.ready\.within": it is a duration/);
  assert.match(explainError(error, 'fr').says, /à « start\.ready\.within » : il faut une durée/);
});

test('loadProfile() takes named ports and secrets, and empty strings where a string stands', () => {
  const profile = load(
    `${least}start: { command: [node, a], cwd: "", env: { A: "", B: "\${port.console}", C: "\${secret.user_1}" } }\n`,
  );
  assert.deepEqual(profile.start?.env, { A: '', B: '${port.console}', C: '${secret.user_1}' });
  assert.equal(profile.start?.cwd, '');
});

for (const [within, ms] of [
  ['500ms', 500],
  ['30s', 30_000],
  ['2m', 120_000],
] as const) {
  test(`loadProfile() reads a duration of ${within} as ${ms} milliseconds`, () => {
    assert.equal(
      load(`${least}start: { command: [a], ready: { url: x, within: ${within} } }\n`).start?.ready?.within,
      ms,
    );
  });
}

for (const text of [
  `${least}start: { command: [a], ready: { url: x, within: 30 } }\n`,
  `${least}start: { command: [a], ready: { url: x, within: 3 days } }\n`,
  `${least}start: { command: [] }\n`,
  `${least}language: de\n`,
  `${least}upstream: { dialect: anthropic }\n`,
  'name: bot\nask: { request: { url: x }, answer: reply }\n',
  'name: bot\nask: { request: { url: x }, answer: /a~2 }\n',
  'name: bot\nask: { request: { url: x, method: TRACE } }\n',
  '- a\n- b\n',
]) {
  test(`loadProfile() refuses ${JSON.stringify(text.replace(least, '…'))}`, () => {
    assert.equal(refusal(text).code, 'ERR_PROFILE_INVALID');
  });
}

test('loadProfile() says what is wrong with a file that is missing or no YAML', () => {
  assert.throws(
    () => loadProfile(join(folder, 'missing.yaml')),
    (e) =>
      e instanceof RempartError &&
      e.code === 'ERR_PROFILE_UNREADABLE' &&
      explainError(e, 'en').says.endsWith('there is no such file'),
  );
  const { code, facts } = refusal('name: [\n');
  assert.equal(code, 'ERR_PROFILE_UNREADABLE');
  assert.ok(!String(facts['what']).includes('\n'));
});

// The examples of RFC 6901 §5.
const rfc = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};
const pointers: [string, unknown][] = [
  ['', rfc],
  ['/foo', ['bar', 'baz']],
  ['/foo/0', 'bar'],
  ['/', 0],
  ['/a~1b', 1],
  ['/c%d', 2],
  ['/e^f', 3],
  ['/g|h', 4],
  ['/i\\j', 5],
  ['/k"l', 6],
  ['/ ', 7],
  ['/m~0n', 8],
  ['/foo/2', undefined],
  ['/foo/-', undefined],
  ['/foo/0/0', undefined],
  ['/nothing/there', undefined],
  ['/toString', undefined],
  ['/__proto__', undefined],
  ['/foo/constructor', undefined],
];
for (const [pointer, expected] of pointers) {
  test(`atPointer() finds ${JSON.stringify(expected)?.slice(0, 30)} at "${pointer}"`, () => {
    assert.deepEqual(atPointer(rfc, pointer), expected);
  });
}

test('atPointer() reads ~01 as ~1, not as a slash', () => {
  assert.equal(atPointer({ '~1': 'yes', '/': 'no' }, '/~01'), 'yes');
});

test('fill() replaces in strings, lists, values and keys, leaves the rest, and replaces no more than once', () => {
  const places = { port: '80', question: 'what is ${port}?' };
  assert.deepEqual(
    fill({ 'x-${port}': ['${port}/${port}', 1, null, true], q: '${question}', later: '${conversation}' }, places),
    { 'x-80': ['80/80', 1, null, true], q: 'what is ${port}?', later: '${conversation}' },
  );
});

test('fill() puts text that means something to String.replace in as it stands', () => {
  assert.equal(fill('<${question}>', { question: "$& $1 $' $$" }), "<$& $1 $' $$>");
});

test('placeholdersIn() finds each name, twice when it stands twice', () => {
  assert.deepEqual(placeholdersIn({ '${a}': ['${b} ${a}'], n: 1, none: null }), ['a', 'b', 'a']);
});

test('profilePath() starts from the folder of the profile', () => {
  assert.equal(profilePath(load(least), 'logs/a.log'), resolve(folder, 'logs/a.log'));
  assert.equal(profilePath(load(least), '/var/log/a'), '/var/log/a');
});
