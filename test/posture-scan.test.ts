// Compose files and Dockerfiles judged as a user asks for it: labelled files, several files as one project, patches, exit codes, secrets kept.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { measure } from '../scripts/bench-posture.ts';
import { type Posture, postureSchema } from '../src/platform/documents/posture.ts';
import { lintCompose } from '../src/platform/inspection/containers/lint.ts';
import { loadContainerRules } from '../src/platform/inspection/containers/rules.ts';
import { run } from './instance.ts';

const place = mkdtempSync(join(tmpdir(), 'rempart-scan-'));
after(() => rmSync(place, { recursive: true, force: true }));
const rules = loadContainerRules();
let folders = 0;

function folder(files: Record<string, string>): string {
  folders += 1;
  const dir = join(place, String(folders));
  mkdirSync(dir);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

async function scan(cwd: string, ...args: string[]) {
  const { code, stdout, stderr } = await run(['posture', 'scan', '--json', ...args], { cwd });
  return { code, stderr, document: JSON.parse(stdout) as Posture };
}

test('the linter finds all that the labelled files expect, and nothing else', () => {
  const { files, differences } = measure(join(import.meta.dirname, 'fixtures', 'posture', 'corpus'));
  assert.ok(files >= 60);
  assert.deepEqual(differences, []);
});

test('lintCompose() merges an override as compose does, and names the file that sets each thing', () => {
  const base =
    'services:\n  app:\n    image: a:1\n    ports: ["127.0.0.1:80:80"]\n    environment: { LOG: info }\n    command: [x]\n';
  const over = 'services:\n  app:\n    privileged: true\n    ports: ["8088:81"]\n    environment: ["API_KEY=abc"]\n';
  const findings = lintCompose(
    [
      { name: 'a.yaml', text: base },
      { name: 'b.yaml', text: over },
    ],
    { rules, lang: 'en' },
  );
  const of = (rule: string) => findings.filter((one) => one.rule === rule).map(({ file, line }) => `${file}:${line}`);
  assert.deepEqual(of('compose/privileged'), ['b.yaml:3']);
  assert.deepEqual(of('compose/port-everywhere'), ['b.yaml:4']);
  assert.deepEqual(of('compose/secret-environment'), ['b.yaml:5']);
  assert.deepEqual(of('compose/user-unset'), ['a.yaml:2']);
});

test('lintCompose() honours !reset and !override', () => {
  const base = 'services:\n  app:\n    image: a:1\n    privileged: true\n    ports: ["80:80"]\n';
  const over = 'services:\n  app:\n    privileged: !reset null\n    ports: !override ["127.0.0.1:80:80"]\n';
  const found = lintCompose(
    [
      { name: 'a', text: base },
      { name: 'b', text: over },
    ],
    { rules, lang: 'en' },
  ).map(({ rule }) => rule);
  assert.ok(!found.includes('compose/privileged'));
  assert.ok(!found.includes('compose/port-everywhere'));
});

test('posture scan of a folder puts compose.yaml and its override together and reads what they extend and build', async () => {
  const dir = folder({
    'compose.yaml': 'services:\n  app:\n    build: .\n    extends: { file: common.yaml, service: base }\n',
    'compose.override.yaml': 'services:\n  app:\n    privileged: true\n',
    'common.yaml': 'services:\n  base:\n    image: a:1\n    read_only: true\n    cap_drop: [ALL]\n',
    Dockerfile: `FROM node:24@sha256:${'a'.repeat(64)}\nHEALTHCHECK CMD true\nUSER 1000\n`,
  });
  const { document } = await scan(dir, '.');
  const own = document.findings.filter(({ file }) => file !== 'common.yaml').map(({ rule }) => rule);
  assert.ok(own.includes('compose/privileged'));
  for (const rule of ['compose/read-only', 'compose/cap-drop', 'compose/user-unset', 'compose/healthcheck'])
    assert.ok(!own.includes(rule), rule);
});

test('posture scan gives exit code 1 above info, 0 at info, and a document of its schema', async () => {
  const bad = await scan(folder({ 'compose.yaml': 'services:\n  a:\n    image: a:1\n' }), 'compose.yaml');
  assert.equal(bad.code, 1);
  postureSchema.parse(bad.document);
  assert.equal(bad.document.security_dashboard.current_threat_level, bad.document.threatLevel);
  const tagged = folder({ Dockerfile: 'FROM a:1\nHEALTHCHECK CMD true\nUSER 1000\n' });
  const fine = await scan(tagged, 'Dockerfile');
  assert.deepEqual(
    fine.document.findings.map(({ severity }) => severity),
    ['info'],
  );
  assert.equal(fine.code, 0);
});

for (const [name, text, says] of [
  ['broken.yaml', 'services:\n  a: [\n', /"broken\.yaml" cannot be judged: line \d+, column \d+/],
  ['tabs.yaml', 'services:\n\ta: 1\n', /spaces, not tabs/],
  ['compose.yaml', 'services:\n  a: 1\n', /line 2, column 3: this service is not a mapping/],
  ['alias.yaml', 'services:\n  a: *nothing\n', /this alias has no anchor before it/],
  ['compose.yml', '- a\n', /a compose file is a mapping/],
] as const)
  test(`posture scan says what is wrong with ${name} in one sentence`, async () => {
    const { code, stderr } = await run(['posture', 'scan', name], { cwd: folder({ [name]: text }) });
    assert.match(stderr, says);
    assert.match(stderr, /\(ERR_POSTURE_FILE_INVALID\)/);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.equal(code, 2);
  });

test('posture scan of a folder judges the others when one file is broken, and says so', async () => {
  const dir = folder({ 'compose.yaml': 'services: [', 'other.yml': 'services:\n  a:\n    image: a:1\n' });
  const { code, stderr, document } = await scan(dir, '.');
  assert.match(stderr, /ERR_POSTURE_FILE_INVALID/);
  assert.ok(document.findings.length > 0);
  assert.equal(code, 1);
});

test('posture scan refuses a path that is not there, and what is neither', async () => {
  const dir = folder({ 'notes.txt': 'hello\n' });
  assert.match((await run(['posture', 'scan', 'gone.yaml'], { cwd: dir })).stderr, /ERR_POSTURE_FILE_UNREADABLE/);
  const neither = await scan(dir, 'notes.txt');
  assert.equal(neither.code, 2);
  assert.equal(neither.document.notAssessed.length, 1);
});

test('posture scan never shows a secret: not in text, JSON, SARIF or patches', async () => {
  const secrets = ['hunter2-canary', 'pw-canary', 'flag-canary', 'env-canary'];
  const dir = folder({
    'compose.yaml': [
      'services:',
      '  app:',
      '    environment:',
      '      DB_PASSWORD: hunter2-canary',
      '      URL: postgres://a:pw-canary@db/x',
      '    command: serve --token flag-canary',
      '    privileged: true',
      '    image: a:1',
      '  flow: { image: a:1, privileged: true, environment: { API_KEY: env-canary } }',
      '',
    ].join('\n'),
    Dockerfile: 'FROM a:1\nENV API_KEY=env-canary\nHEALTHCHECK CMD true\n',
  });
  for (const json of [[], ['--json']]) {
    const args = ['posture', 'scan', '.', '--format', 'sarif,json', '--patch', 'all.diff', ...json];
    const { stdout, stderr } = await run(args, { cwd: dir });
    const written = ['posture.sarif', 'posture.json', 'all.diff'].map((name) => readFileSync(join(dir, name), 'utf8'));
    for (const secret of secrets) assert.ok(![stdout, stderr, ...written].join('').includes(secret), secret);
  }
});

const patchHere = spawnSync('patch', ['--version']).status === 0;
test('posture scan --patch: what patch(1) makes of it is clean of all that had a patch, comments and all', {
  skip: patchHere ? false : 'no patch(1) here',
}, async () => {
  const text = [
    '# the stack',
    'services:',
    '  web: # outside',
    '    image: web:1 # pinned',
    '    ports:',
    '      - "8088:80" # web',
    '      - target: 11434',
    '        published: 11434',
    '    security_opt:',
    '      - seccomp:unconfined',
    '      # why',
    '    privileged: true',
    '  db: { image: "postgres:17", cap_drop: [NET_RAW], pid: host }',
    '  # the end',
    '',
  ].join('\n');
  const dir = folder({ 'compose.yaml': text });
  await run(['posture', 'scan', 'compose.yaml', '--patch', 'all.diff'], { cwd: dir });
  const applied = spawnSync('patch', ['-p1', '-i', 'all.diff'], { cwd: dir });
  assert.equal(applied.status, 0, String(applied.stdout));
  const after = readFileSync(join(dir, 'compose.yaml'), 'utf8');
  for (const comment of text.match(/#.*/g) ?? []) assert.ok(after.includes(comment), comment);
  const { document } = await scan(dir, 'compose.yaml');
  assert.deepEqual(
    document.findings.filter(({ patch }) => patch !== null),
    [],
  );
  assert.ok(
    !document.findings.some(({ severity }) => severity === 'critical' || severity === 'high') ||
      after.includes('pid: host'),
  );
});

test('posture scan finds an env file that everybody may read, and not one that is closed', async () => {
  const dir = folder({
    'compose.yaml': 'services:\n  a:\n    image: a:1\n    env_file: [open.env, closed.env]\n',
    'open.env': 'A=1\n',
    'closed.env': 'A=1\n',
  });
  chmodSync(join(dir, 'open.env'), 0o644);
  chmodSync(join(dir, 'closed.env'), 0o600);
  const { document } = await scan(dir, 'compose.yaml');
  const found = document.findings.filter(({ rule }) => rule === 'compose/env-file-readable');
  assert.deepEqual(
    found.map(({ value }) => value),
    ['open.env'],
  );
});

test('posture scan speaks French', async () => {
  const dir = folder({ 'compose.yaml': 'services:\n  a:\n    image: a:1\n    privileged: true\n' });
  const { stdout } = await run(['posture', 'scan', '.', '--lang', 'fr'], { cwd: dir });
  assert.match(
    stdout,
    /CRITIQUE {2}compose\.yaml:4 {2}compose\/privileged\n {2}Le service « a » tourne en mode privilégié/,
  );
});

test('posture scan waits for no pipe and takes no list of services for a project without faults', async () => {
  const dir = folder({ 'list.compose.yaml': 'services: [a, b]\n' });
  const list = await run(['posture', 'scan', 'list.compose.yaml'], { cwd: dir });
  assert.equal(list.code, 2);
  assert.match(list.stderr, /ERR_POSTURE_FILE_INVALID/);
  execFileSync('mkfifo', [join(dir, 'pipe.compose.yaml')]);
  const pipe = await run(['posture', 'scan', 'pipe.compose.yaml'], { cwd: dir });
  assert.equal(pipe.code, 2);
});

test('posture scan leaves out of a folder what .rempartignore and --ignore name, says how many, and judges what is named', async () => {
  const dir = join(place, 'with-samples');
  const weak = 'services:\n  a:\n    image: nginx:latest\n    privileged: true\n';
  for (const path of [
    'samples/deep/compose.yaml',
    'samples/kept/compose.yaml',
    'other/x.example.yml',
    'samples-not/compose.yaml',
  ]) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), weak);
  }
  writeFileSync(join(dir, '.rempartignore'), '# samples\n/samples/\n!/samples/kept/**\n');
  const scan = async (...args: string[]) => {
    const { stdout } = await run(['posture', 'scan', ...args, '--json'], { cwd: dir });
    const { files, notAssessed } = JSON.parse(stdout) as Posture;
    return { files: files.sort(), ignored: notAssessed.map(({ what }) => what) };
  };
  assert.deepEqual(await scan('.'), {
    files: ['other/x.example.yml', 'samples-not/compose.yaml'],
    ignored: ['samples/deep/compose.yaml', 'samples/kept/compose.yaml'],
  });
  assert.deepEqual(await scan('.', '--ignore', '*.example.yml,samples-*'), {
    files: [],
    ignored: [
      'other/x.example.yml',
      'samples/deep/compose.yaml',
      'samples/kept/compose.yaml',
      'samples-not/compose.yaml',
    ],
  });
  assert.deepEqual((await scan('samples/deep/compose.yaml')).files, ['samples/deep/compose.yaml']);
  const { stdout } = await run(['posture', 'scan', '.', '--lang', 'fr'], { cwd: dir });
  assert.match(stdout, /2 fichiers ignorés/);
});
