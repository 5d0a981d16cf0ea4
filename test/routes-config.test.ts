// Routes that lead nowhere, in circles or to strangers are refused when the configuration is read, with the place and the reason.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../src/config.ts';
import { explainError, type RempartError } from '../src/platform/base/errors.ts';

const directory = mkdtempSync(join(tmpdir(), 'rempart-routes-'));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'rempart.yaml');

const providers = `providers:
  - { name: mistral, dialect: mistral, url: 'https://api.mistral.ai', keys: [{ key: env:A, weight: 2 }, { key: env:B }] }
  - { name: local, dialect: ollama, url: 'http://127.0.0.1:11434' }
`;

function load(routes: string, before = providers) {
  writeFileSync(file, `${before}routes:\n${routes}`);
  return loadConfig({ file, asked: true, env: { A: 'key-a', B: 'key-b' } });
}

test('loadConfig() reads routes and weighted keys', () => {
  const config = load(`  - model: mistral-*
    targets: [{ provider: mistral, weight: 3 }, { provider: local, model: 'mistral:7b', priority: 2 }]
  - { model: assistant, aliasOf: mistral-large-latest }
`);
  assert.deepEqual(config.routes, [
    {
      model: 'mistral-*',
      targets: [
        { provider: 'mistral', weight: 3 },
        { provider: 'local', model: 'mistral:7b', priority: 2 },
      ],
    },
    { model: 'assistant', aliasOf: 'mistral-large-latest' },
  ]);
  assert.deepEqual(config.providers[0]!.keys, [
    { key: 'key-a', weight: 2 },
    { key: 'key-b', weight: 1 },
  ]);
  assert.deepEqual(load('  []').routes, []);
});

test('loadConfig() reads what docs/routes.md shows', () => {
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'routes.md'), 'utf8');
  const [, first = ''] = /```yaml\n(providers:[\s\S]*?)```/.exec(page) ?? [];
  writeFileSync(file, first);
  const { routes } = loadConfig({ file, asked: true, env: { MISTRAL_KEY: 'a', MISTRAL_EU_KEY: 'b' } });
  assert.deepEqual(
    routes.map(({ model }) => model),
    ['mistral-*', 'assistant'],
  );
});

const wrong: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'an unknown provider',
    '- { model: m, targets: [{ provider: mistrl }] }',
    'routes.0.targets.0.provider',
    /mistrl.*mistral, local/,
  ],
  ['no target', '- { model: m, targets: [] }', 'routes.0.targets', /at least one/],
  ['neither', '- { model: m }', 'routes.0', /somewhere/],
  ['both', '- { model: m, aliasOf: n, targets: [{ provider: local }] }', 'routes.0', /not both/],
  ['itself', '- { model: m, aliasOf: m }', 'routes.0.aliasOf', /m → m/],
  ['itself in another spelling', '- { model: m, aliasOf: "library/M:latest" }', 'routes.0.aliasOf', /itself/],
  [
    'a circle',
    '- { model: a, aliasOf: b }\n  - { model: b, aliasOf: c }\n  - { model: c, aliasOf: a }',
    'routes.0.aliasOf',
    /a → b → c → a/,
  ],
  ['its own pattern', '- { model: "m-*", aliasOf: m-large }', 'routes.0.aliasOf', /m-\* → m-large/],
  [
    'a way into a circle',
    '- { model: in, targets: [{ provider: local }] }\n  - { model: x, aliasOf: y }\n  - { model: "y*", aliasOf: yy }',
    'routes.1.aliasOf',
    /x → y → yy/,
  ],
  ['the same twice', '- { model: M, aliasOf: a }\n  - { model: "m:latest", aliasOf: b }', 'routes.1.model', /already/],
  [
    'a target twice',
    '- { model: m, targets: [{ provider: local }, { provider: local, weight: 2 }] }',
    'routes.0.targets.1',
    /twice/,
  ],
  [
    'a pattern as target',
    '- { model: m, targets: [{ provider: local, model: "l*" }] }',
    'routes.0.targets.0.model',
    /without \*/,
  ],
  ['a pattern as alias', '- { model: m, aliasOf: "l*" }', 'routes.0.aliasOf', /without \*/],
  ['a name with blanks', '- { model: "m n", aliasOf: l }', 'routes.0.model', /spaces/],
  [
    'a model of the cloud',
    '- { model: m, targets: [{ provider: local, model: "big:cloud" }] }',
    'routes.0.targets.0.model',
    /maker/,
  ],
  [
    'a weight of nothing',
    '- { model: m, targets: [{ provider: local, weight: 0 }] }',
    'routes.0.targets.0.weight',
    /./,
  ],
];
for (const [what, routes, path, says] of wrong)
  test(`loadConfig() refuses a route to ${what}, in both languages`, () => {
    let error: RempartError | undefined;
    try {
      load(`  ${routes}\n`);
    } catch (thrown) {
      error = thrown as RempartError;
    }
    assert.equal(error?.code, 'ERR_CONFIG_INVALID', String(error));
    assert.equal(error?.facts['path'], path);
    assert.match(explainError(error!, 'en').says, says);
    const french = explainError(error!, 'fr').says;
    assert.ok(french.includes(path) && french !== explainError(error!, 'en').says, french);
  });

test('loadConfig() suggests the setting that was meant, and says when there are no providers at all', () => {
  assert.throws(() => load('  - { model: m, alias: n }\n'), { code: 'ERR_CONFIG_UNKNOWN_KEY' });
  try {
    load('  - { model: m, targets: [{ provider: mistral }] }\n', '');
    assert.fail('it was taken');
  } catch (error) {
    assert.match(explainError(error as RempartError, 'en').says, /no providers are configured/);
  }
});

test('loadConfig() takes keys from the environment and files only, also those with weights', () => {
  const open = `providers:\n  - { name: a, dialect: openai, url: 'http://127.0.0.1:1', keys: [{ key: sk-in-the-open }] }\n`;
  assert.throws(() => load('  []\n', open), { code: 'ERR_CONFIG_INVALID' });
});
