// The command line as a user meets it: real processes, exit codes, one sentence on what is wrong.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commands } from '../src/commands/index.ts';
import { loadConfig } from '../src/config.ts';
import { scenarioIds } from '../src/platform/documents/simulation.ts';
import { say } from '../src/platform/i18n/say.ts';
import { makePlace, run } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;

const wrong: [args: string[], says: RegExp][] = [
  [['up', '--prot', '1'], /"--prot" is not known; did you mean "--port"\? \(ERR_USAGE\)\. Run "rempart up --help"/],
  [['--prot', '1', 'up'], /"--prot" is not known; did you mean "--port"\?/],
  [['up', '--port'], /"--port" needs a value/],
  [['up', '--port', '--help'], /"--port" needs a value/],
  [['up', '--port='], /"--port" needs a value/],
  [['up', '--port', 'eighty'], /whole number between 0 and 65535, not "eighty"/],
  [['up', '--port', '65536'], /whole number between 0 and 65535/],
  [['up', '--json=yes'], /"--json" takes no value/],
  [['up', 'now'], /"now" is not expected/],
  [['jornal', 'verify'], /"jornal" is not known; did you mean "journal"\? \(ERR_USAGE\)\. Run "rempart --help"/],
  [['xyzzy'], /"xyzzy" is not known; the commands are up, /],
  [['help', 'xyzzy'], /"xyzzy" is not known; the commands are up, /],
  [['help', 'simulat'], /did you mean "simulate"\?/],
  [['simulate', 'xyzzy'], /"xyzzy" is no scenario; the six are: api-maintenance/],
  [['simulate', 'netwrk-cut'], /did you mean "network-cut"\?/],
  [['up', '--zzzzzzzz'], /"--zzzzzzzz" is not known \(ERR_USAGE\)/],
  [['journal'], /"journal" needs verify\|tail\|export/],
  [['journal', 'verifi'], /"verifi" is not one of: verify, tail, export/],
  [['keys', 'create'], /"keys create" needs --subject/],
  [['keys', 'create', '--subject', 'a', '--role', 'root'], /"root" is not one of: user, viewer, operator, admin/],
  [['keys', 'revoke'], /"keys revoke" needs ID/],
  [['up', '--lang', 'de'], /"de" is not known \(ERR_LANG_UNKNOWN\)/],
  [
    ['up', '--config', 'missing.yaml'],
    /"missing\.yaml" cannot be read: there is no such file \(ERR_CONFIG_UNREADABLE\)/,
  ],
];
for (const [args, says] of wrong) {
  test(`rempart ${args.join(' ')} is wrong use, said in one line`, async () => {
    const { code, stdout, stderr } = await run(args, { cwd });
    assert.match(stderr, says);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.equal(stdout, '');
    assert.equal(code, 2);
  });
}

for (const [host, says] of [
  [
    '203.0.113.9',
    /host "203\.0\.113\.9", port 0: this machine does not have that address \(ERR_LISTEN\)\. Correct gateway\.host/,
  ],
  [
    'nowhere.invalid',
    /host "nowhere\.invalid", port 0: no machine of that name is known \(ERR_LISTEN\)\. Correct gateway\.host/,
  ],
] as const) {
  test(`rempart up says of the host ${host} why nothing can listen there`, async () => {
    writeFileSync(join(cwd, 'host.yaml'), `gateway: { host: ${host}, port: 0 }\nconsole: { port: 0 }\nlog: silent\n`);
    const { code, stderr } = await run(['up', '--config', 'host.yaml', '--data', 'host'], { cwd });
    assert.match(stderr, says);
    assert.equal(code, 3);
  });
}

test('rempart up writes nothing when the configuration is wrong', async () => {
  writeFileSync(join(cwd, 'url.yaml'), 'providers: [{ name: a, dialect: openai, url: "not a url" }]\n');
  const { code, stderr } = await run(['up', '--config', 'url.yaml', '--data', 'url', '--lang', 'fr'], { cwd });
  assert.match(stderr, /n'est pas valide à « providers\.0\.url » : il faut une adresse/);
  assert.equal(code, 2);
  assert.ok(!existsSync(join(cwd, 'url')));
});

test('rempart --json says an error as one document on stdout', async () => {
  const { code, stdout } = await run(['--json', 'upp'], { cwd });
  const { error } = JSON.parse(stdout) as { error: Record<string, string> };
  assert.equal(error['code'], 'ERR_USAGE');
  assert.match(error['message'] ?? '', /did you mean "up"\?/);
  assert.equal(error['todo'], 'Run "rempart --help" to see what it takes.');
  assert.equal(code, 2);
});

test('rempart alone teaches: every command with its line, examples, exit codes', async () => {
  const alone = await run([], { cwd });
  assert.equal(alone.code, 0);
  for (const line of [
    /^ {2}up {2,}Start gateway/m,
    /^ {2}journal verify\|tail\|export\|search .* {2}/m,
    /^Examples:$/m,
    /130 interrupted/,
  ])
    assert.match(alone.stdout, line);
  const asked = await run(['--help'], { cwd });
  assert.equal(asked.stdout, alone.stdout);
});

test('rempart COMMAND --help lists its options and runs nothing', async () => {
  const { code, stdout } = await run(['up', '--help'], { cwd });
  assert.equal(code, 0);
  assert.match(stdout, /--console-port PORT {2,}Port of the console/);
  assert.match(stdout, /--config FILE/);
});

const languages: [name: string, args: string[], env: Record<string, string>, expected: RegExp][] = [
  ['--lang', ['--lang', 'fr', '--help'], { LANG: 'en_US.UTF-8' }, /^Commandes :$/m],
  ['LANG', ['--help'], { LANG: 'fr_FR.UTF-8' }, /^Commandes :$/m],
  ['the configuration before LANG', ['--help', '--config', 'en.yaml'], { LANG: 'fr_FR.UTF-8' }, /^Commands:$/m],
];
for (const [name, args, env, expected] of languages) {
  test(`rempart speaks the language of ${name}`, async () => {
    writeFileSync(join(cwd, 'en.yaml'), 'lang: en\n');
    const { stdout } = await run(args, { cwd, env });
    assert.match(stdout, expected);
  });
}

test('rempart --version shows the version', async () => {
  const { code, stdout } = await run(['--version'], { cwd });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.equal(code, 0);
});

test('rempart --json answers the version and the help as documents too', async () => {
  const document = async (...args: string[]) => JSON.parse((await run([...args, '--json'], { cwd })).stdout) as object;
  assert.deepEqual(Object.keys(await document('-v')), ['schema', 'version']);
  const all = (await document()) as { commands: { name: string }[] };
  assert.ok(all.commands.some(({ name }) => name === 'simulate'));
  const one = (await document('keys', 'create', '--help')) as {
    command: { usage: string; options: { name: string }[] };
  };
  assert.match(one.command.usage, /^rempart keys create --subject NAME \[--role ROLE\]/);
  assert.ok(one.command.options.some(({ name }) => name === '--subject'));
});

const pages: [args: string[], has: RegExp[], hasNot: RegExp][] = [
  [
    ['journal', 'verify', '--help'],
    [/^Usage: rempart journal verify \[--expect STREAM:SEQ:HASH\]$/m, /--expect/],
    /--out/,
  ],
  [['help', 'journal', 'export'], [/^Usage: rempart journal export/m, /--out FILE/, /--force/], /--expect/],
  [['journal', '--help'], [/^ {2}verify .* {2}Check that/m, /^ {2}tail /m, /^ {2}export /m], /undefined/],
  [['keys', 'create', '--help'], [/create --subject NAME \[--role ROLE\]/, /--role ROLE/], /undefined/],
  [['simulate', '--help'], [...scenarioIds.map((id) => new RegExp(id)), /--list/], /undefined/],
];
for (const [args, has, hasNot] of pages) {
  test(`rempart ${args.join(' ')} says what it takes`, async () => {
    const { code, stdout } = await run(args, { cwd });
    assert.equal(code, 0);
    for (const pattern of has) assert.match(stdout, pattern);
    assert.doesNotMatch(stdout, hasNot);
  });
}

for (const lang of ['en', 'fr'] as const) {
  test(`the help in ${lang} has one mood: every line of it begins with a capital, no verb in the third person`, async () => {
    const third =
      /^(shows|starts|adds|offers|checks|proves|gives|breaks|affiche|démarre|ajoute|publie|vérifie|prouve|donne|met) /i;
    for (const load of Object.values(commands)) {
      const { summary, options, actions = {} } = await load();
      for (const { summary: key } of [{ summary }, ...Object.values(options), ...Object.values(actions)]) {
        const text = say(lang, key);
        assert.match(text, /^(\p{Lu}|quick|--)/u, key);
        assert.doesNotMatch(text, third, key);
      }
    }
  });
}

test('rempart keys list says of a directory that is not there that it is missing, and makes none', async () => {
  const { code, stderr } = await run(['keys', 'list', '--data', 'xyzzy'], { cwd });
  assert.equal(code, 3);
  assert.match(stderr, /There is no data directory "xyzzy" \(ERR_DATA_MISSING\)/);
  assert.ok(!existsSync(join(cwd, 'xyzzy')));
});

test('rempart --debug adds the stack that is otherwise withheld', async () => {
  const { stderr } = await run(['upp', '--debug'], { cwd });
  assert.match(stderr, /^ {4}at /m);
});

test('rempart journal verify without a journal says what is missing and exits 3', async () => {
  const { code, stderr } = await run(['journal', 'verify', '--data', 'nowhere'], { cwd });
  assert.match(stderr, /ERR_JOURNAL_MISSING/);
  assert.equal(code, 3);
});

test('rempart keys works without an instance: create, list, revoke', async () => {
  const data = ['--data', join(cwd, 'keys')];
  const made = await run(['keys', 'create', '--subject', 'alice', '--role', 'operator', ...data], { cwd });
  assert.equal(made.code, 0, made.stderr);
  const id = /rmp_[a-z0-9]+/.exec(made.stdout)?.[0] ?? '';
  assert.equal((await run(['keys', 'revoke', id, ...data], { cwd })).code, 0);
  const listed = JSON.parse((await run(['keys', 'list', '--json', ...data], { cwd })).stdout) as { keys: object[] };
  assert.equal(listed.keys.length, 1);
  assert.deepEqual(
    { ...listed.keys[0], createdAt: '' },
    { id, subject: 'alice', role: 'operator', createdAt: '', state: 'revoked' },
  );
  const unknown = await run(['keys', 'revoke', 'rmp_none', ...data], { cwd });
  assert.match(unknown.stderr, /ERR_KEY_UNKNOWN/);
  assert.equal(unknown.code, 2);
});

test('docs/rempart.example.yaml shows every default as it is', () => {
  const file = join(import.meta.dirname, '..', 'docs', 'rempart.example.yaml');
  assert.deepEqual(
    loadConfig({ file, asked: true, env: {} }),
    loadConfig({ file: 'none.yaml', asked: false, env: {} }),
  );
});
