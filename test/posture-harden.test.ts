// The hardened deployment: what is shipped is what is written, it passes its own scan, and nothing is overwritten unasked.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { loadDeployment } from '../src/platform/documents/load-deployment.ts';
import { hardenedFiles } from '../src/protect/posture/harden/harden.ts';
import { run } from './instance.ts';

const root = join(import.meta.dirname, '..');
const place = mkdtempSync(join(tmpdir(), 'rempart-harden-'));
after(() => rmSync(place, { recursive: true }));
const profiles = readdirSync(join(root, 'targets', 'deployments'));

test('deploy/ is exactly what harden writes', () => {
  const written = hardenedFiles(loadDeployment(join(root, 'targets', 'deployments', 'rempart.yaml')), {
    secureMode: false,
  });
  const present = globSync('deploy/{*,.gitignore,firewall/*,prometheus/*}', { cwd: root })
    .filter((path) => statSync(join(root, path)).isFile())
    .map((path) => path.slice('deploy/'.length).replaceAll('\\', '/'))
    .filter((path) => path !== '.env');
  assert.deepEqual(present.sort(), Object.keys(written).sort());
  for (const [path, { text }] of Object.entries(written))
    assert.equal(readFileSync(join(root, 'deploy', path), 'utf8'), text, path);
});

for (const profile of profiles) {
  test(`posture harden for ${profile} writes what posture scan finds nothing in`, async () => {
    const out = join(place, profile);
    const file = join(root, 'targets', 'deployments', profile);
    const hardened = await run(['posture', 'harden', '--out', out, '--profile', file], { cwd: place });
    assert.equal(hardened.code, 0, hardened.stderr);
    const scanned = await run(['posture', 'scan', out, '--json'], { cwd: place });
    const document = JSON.parse(scanned.stdout) as { findings: object[]; files: string[] };
    assert.deepEqual(document.findings, []);
    assert.ok(document.files.length >= 2);
    assert.equal(scanned.code, 0);
  });
}

test('hardenedFiles() in secure mode leaves out the model and every way out', () => {
  const deployment = loadDeployment(join(root, 'targets', 'deployments', 'rempart.yaml'));
  const files = hardenedFiles(deployment, { secureMode: true });
  assert.equal(files['compose.yaml'], undefined);
  const compose = parse(files['compose.secure-mode.yaml']?.text ?? '') as {
    services: Record<string, { volumes?: string[] }>;
    networks: Record<string, { internal?: boolean }>;
  };
  assert.equal(compose.services['model'], undefined);
  assert.ok(compose.services['gateway']?.volumes?.[0]?.startsWith('./rempart.secure.yaml:'));
  assert.deepEqual(
    Object.entries(compose.networks)
      .filter(([, { internal }]) => internal !== true)
      .map(([name]) => name),
    ['public'],
  );
});

test('posture harden does not overwrite, unless told so', async () => {
  const out = join(place, 'again');
  const args = ['posture', 'harden', '--out', out];
  assert.equal((await run(args, { cwd: place })).code, 0);
  writeFileSync(join(out, 'compose.yaml'), 'mine: true\n');
  const second = await run(args, { cwd: place });
  assert.equal(second.code, 2);
  assert.match(second.stderr, /ERR_OUTPUT_EXISTS/);
  assert.equal(readFileSync(join(out, 'compose.yaml'), 'utf8'), 'mine: true\n');
  assert.equal((await run([...args, '--force'], { cwd: place })).code, 0);
});

test('posture harden says in one sentence what is wrong with a profile', async () => {
  const file = join(place, 'bad.yaml');
  writeFileSync(file, 'name: x\nservices: [{ name: a, role: modle, order: 1 }]\n');
  const { code, stderr } = await run(['posture', 'harden', '--out', join(place, 'no'), '--profile', file], {
    cwd: place,
  });
  assert.equal(code, 2);
  assert.match(stderr, /"services\.0\.role".*monitoring.*\(ERR_DEPLOYMENT_INVALID\)/);
  assert.equal(stderr.trimEnd().split('\n').length, 1);
});

test('pin-images.sh writes the digests that the registry gives, and leaves .env alone when it gives none', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-pin-'));
  try {
    const out = join(dir, 'deploy');
    assert.equal((await run(['posture', 'harden', '--out', out], { cwd: dir })).code, 0);
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    const pin = (answer: string) => {
      writeFileSync(join(bin, 'docker'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
      const env = { PATH: `${bin}:${process.env['PATH']}` };
      return spawnSync(join(out, 'pin-images.sh'), { env, encoding: 'utf8' });
    };
    assert.equal(pin(`echo sha256:${'ab'.repeat(32)}`).status, 0);
    const written = readFileSync(join(out, '.env'), 'utf8');
    assert.match(written, new RegExp(`^STORE_SHA256=${'ab'.repeat(32)}$`, 'm'));
    for (const bad of ['exit 1', 'true', 'echo unauthorized', 'echo sha256:abcd', `echo 'sha256:${'a'.repeat(63)};'`]) {
      assert.notEqual(pin(bad).status, 0, bad);
      assert.equal(readFileSync(join(out, '.env'), 'utf8'), written, bad);
      assert.ok(!existsSync(join(out, '.env.new')));
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
