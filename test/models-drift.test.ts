// `rempart posture drift` from the command line: the baseline signed, a change named, one that was tampered with refused.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Drift, driftSchema } from '../src/platform/documents/drift.ts';
import { makePlace, run, startInstance, until } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;
const drift = (...args: string[]) => run(['posture', 'drift', '.', ...args], { cwd });

test('posture drift names what changed since the baseline, without the value of a secret, in both languages', async () => {
  const webhook = 'https://hooks.example/planted-canary';
  writeFileSync(join(cwd, 'rempart.yaml'), `log: info\nalerts:\n  webhook: ${webhook}-1\n`);
  writeFileSync(join(cwd, 'compose.yaml'), 'services:\n  a:\n    image: nginx:1.27\n');
  mkdirSync(join(cwd, '.rempart'));
  const none = await drift();
  assert.equal(none.code, 3);
  assert.match(none.stdout, /^No baseline was signed yet\..*--accept\.\n$/);
  assert.equal((await drift('--accept')).code, 0);
  assert.equal((await drift()).code, 0);
  writeFileSync(join(cwd, 'rempart.yaml'), `log: debug\nalerts:\n  webhook: ${webhook}-2\n`);
  writeFileSync(join(cwd, 'compose.yaml'), 'services:\n  a:\n    image: nginx:1.27\n    privileged: true\n');
  const changed = await drift('--json');
  assert.equal(changed.code, 1, changed.stderr);
  const document: Drift = driftSchema.parse(JSON.parse(changed.stdout));
  const mine = document.changes.filter(({ area }) => area === 'config');
  assert.deepEqual(
    mine.map(({ key, kind, before, after: now }) => [key, kind, before, now]),
    [
      ['alerts.webhook', 'changed', '••••', '••••'],
      ['log', 'changed', 'info', 'debug'],
    ],
  );
  assert.ok(document.changes.some(({ area, key }) => area === 'finding' && key.includes('compose/privileged')));
  const french = await drift('--lang', 'fr');
  assert.match(french.stdout, /réglage log : info → debug \(le /);
  for (const text of [changed.stdout, french.stdout, readFileSync(join(cwd, '.rempart', 'baseline.json'), 'utf8')])
    assert.doesNotMatch(text, /planted-canary/);
});

test('up tells of the drift with a signal that names the setting and no value', async () => {
  const instance = await startInstance([], { cwd });
  try {
    await until(() => instance.stderr().includes('configuration-drift'));
    const line =
      instance
        .stderr()
        .split('\n')
        .find((one) => one.includes('configuration-drift')) ?? '';
    assert.match(line, /"area":"config","setting":"alerts\.webhook"/);
    assert.doesNotMatch(instance.stderr(), /planted-canary/);
  } finally {
    await instance.stop();
  }
});

test('posture drift believes no baseline that was changed after it was signed', async () => {
  const file = join(cwd, '.rempart', 'baseline.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"info"', '"warn"'));
  const { code, stdout } = await drift();
  assert.equal(code, 1);
  assert.match(stdout, /^The baseline was changed after it was signed\.\n/);
});
