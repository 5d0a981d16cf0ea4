// posture attack, risks and plan: the guard, what passed and what was refused, the register and the checklist from a scan.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { attackSchema } from '../src/platform/documents/posture-attack.ts';
import { planSchema, risksSchema } from '../src/platform/documents/posture-risks.ts';
import { run } from './instance.ts';

const place = mkdtempSync(join(tmpdir(), 'rempart-attack-'));
after(() => rmSync(place, { recursive: true, force: true }));

test('posture attack refuses a machine elsewhere without an authorisation', async () => {
  for (const url of [
    'http://192.0.2.1/',
    'http://localhost@192.0.2.1/',
    'https://example.invalid/v1/chat/completions',
  ]) {
    const { code, stderr } = await run(['posture', 'attack', url], { cwd: place });
    assert.match(stderr, /ERR_TARGET_NOT_LOCAL/, url);
    assert.equal(code, 2);
  }
});

/** A chat API that lets everything pass but what `refuses` says. */
async function beside(refuses: (body: string, path: string, key: string) => boolean) {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    response.statusCode = refuses(body, request.url ?? '', request.headers.authorization ?? '') ? 400 : 200;
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

for (const [what, refuses, verdict, code] of [
  ['lets all pass', () => false, 'passed', 1],
  ['refuses all but ordinary requests', (body, _, key) => !body.includes('bakery') || !key.endsWith('good'), 'held', 0],
  ['refuses everybody', () => true, 'not-assessed', 3],
] as [string, (body: string, path: string, key: string) => boolean, string, number][])
  test(`posture attack says "${verdict}" of one that ${what}`, async () => {
    const target = await beside(refuses);
    try {
      const args = ['posture', 'attack', target.url, '--rate', '40', '--for', '1', '--json', '--key', 'env:K'];
      const done = await run(args, { cwd: place, env: { K: 'good' } });
      const document = attackSchema.parse(JSON.parse(done.stdout));
      assert.equal(document.verdict, verdict);
      assert.equal(done.code, code);
      assert.ok(document.hostile.every(({ sent }) => sent >= 1));
      assert.ok(document.ordinary.before.sent >= 5);
    } finally {
      target.close();
    }
  });

test('posture attack takes no key on the command line', async () => {
  const { code, stderr } = await run(['posture', 'attack', 'http://127.0.0.1:1', '--key', 'sk-secret'], { cwd: place });
  assert.equal(code, 2);
  assert.match(stderr, /env:NAME or file:PATH/);
  assert.ok(!stderr.includes('sk-secret'));
});

test('posture risks and plan count nothing before a scan, and what it saw after; a person ticks the rest', async () => {
  const data = join(place, 'data');
  const ask = async (...args: string[]) => run(['posture', ...args, '--json', '--data', data], { cwd: place });
  const before = risksSchema.parse(JSON.parse((await ask('risks')).stdout));
  assert.equal(before.scan, null);
  assert.ok(before.risks.every((risk) => risk.after === risk.before && risk.state === 'open'));
  assert.deepEqual(
    ['host-model-exposure', 'container-to-host', 'model-without-auth', 'malicious-model', 'incomplete-audit'].map(
      (id) => before.risks.find((risk) => risk.id === id)?.before,
    ),
    [9, 8, 8, 7, 6],
  );
  await ask('scan');
  const after_ = risksSchema.parse(JSON.parse((await ask('risks')).stdout));
  assert.ok(after_.risks.some((risk) => risk.after < risk.before));
  for (const risk of after_.risks)
    assert.equal(
      risk.after < risk.before,
      risk.evidence.some(({ state }) => state === 'met'),
    );
  const refused = await ask('plan', '--done', 'firewall');
  assert.equal(refused.code, 2);
  const plan = planSchema.parse(JSON.parse((await ask('plan', '--done', 'training')).stdout));
  assert.equal(plan.points.find(({ id }) => id === 'training')?.state, 'done');
  assert.equal(plan.points.find(({ id }) => id === 'external-audit')?.state, 'open');
  assert.deepEqual([...new Set(plan.points.map(({ phase }) => phase))], [1, 2, 3]);
});

test('posture attack keeps the attackers apart from ordinary users, or says that those shared their punishment', async () => {
  let attempts = 0;
  const addresses = new Set<string>();
  // Shuts a key out after its third hostile request, as a gateway that guards keys does.
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const hostile = !body.includes('bakery');
    const key = request.headers.authorization ?? '';
    if (hostile) addresses.add(request.socket.remoteAddress ?? '');
    if (hostile && key.endsWith('shared')) attempts += 1;
    response.statusCode = hostile || (key.endsWith('shared') && attempts >= 3) ? 403 : 200;
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ['posture', 'attack', url, '--rate', '40', '--for', '1', '--key', 'env:K', '--hostile-key', 'env:H'];
  try {
    const apart = await run([...args, '--json'], { cwd: place, env: { K: 'good', H: 'other' } });
    const held = attackSchema.parse(JSON.parse(apart.stdout));
    assert.deepEqual([held.identities, held.verdict, held.ordinary.during.failed], ['separate', 'held', 0]);
    assert.deepEqual([...addresses], [process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1']);
    const shared = await run(args, { cwd: place, env: { K: 'shared', H: 'shared' } });
    assert.equal(shared.code, 1);
    assert.match(
      shared.stdout,
      /\d+ ordinary requests were refused with 403: they carried the key that the attack used/,
    );
  } finally {
    server.close();
  }
});
