import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deploymentSchema } from '../../../platform/documents/deployment.ts';
import { createEvidence } from '../evidence.ts';
import { changedFiles, pathsOf } from './changed-files.ts';
import { hostActions } from './host-actions.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-host-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const signal = new AbortController().signal;
const limits = { maxEntries: 1_000, maxShown: 100, signal };

test('changedFiles() shows what changed, never goes through a link, and says when it stops', async () => {
  const root = join(dir, 'tree');
  mkdirSync(join(root, 'inner'), { recursive: true });
  writeFileSync(join(root, 'inner', 'new'), 'x');
  chmodSync(join(root, 'inner', 'new'), 0o4755);
  symlinkSync('/etc', join(root, 'link'));
  const { files, cut } = await changedFiles([root, join(dir, 'none')], Date.now() - 60_000, limits);
  assert.deepEqual(
    files.map(({ path, kind }) => [path, kind]).sort(),
    [
      [root, 'folder'],
      [join(root, 'inner'), 'folder'],
      [join(root, 'inner', 'new'), 'file'],
      [join(root, 'link'), 'link'],
    ].sort(),
  );
  assert.deepEqual(
    files.filter(({ setuid }) => setuid).map(({ path }) => path),
    [join(root, 'inner', 'new')],
  );
  assert.equal(cut, false);
  assert.equal((await changedFiles([root], Date.now() - 60_000, { ...limits, maxEntries: 2 })).cut, true);
  assert.deepEqual((await changedFiles([root], Date.now() + 60_000, limits)).files, []);
});

test('changedFiles() sees a file whose time was set back, by the change of its entry', async () => {
  const file = join(dir, 'backdated');
  writeFileSync(file, 'x');
  utimesSync(file, 1, 1);
  assert.equal((await changedFiles([file], Date.now() - 60_000, limits)).files.length, 1);
});

const profile = deploymentSchema.parse({
  name: 'shop',
  compose: 'compose.yaml',
  services: [{ name: 'core', role: 'core', order: 1 }],
  states: [{ name: 'one', path: 'state/one.json', format: 'json' }],
  logs: ['logs/*.log'],
});

test('pathsOf() takes what the profile names, its patterns as the files that there are', () => {
  mkdirSync(join(dir, 'logs'), { recursive: true });
  writeFileSync(join(dir, 'logs', 'a.log'), '');
  assert.deepEqual(
    pathsOf(profile, dir),
    ['compose.yaml', 'logs/a.log', 'state/one.json'].map((path) => join(dir, path)),
  );
  assert.deepEqual(pathsOf(undefined, dir), []);
});

test('host.audit keeps what this machine shows: a socket with its process, a removed file, a changed state', {
  skip: process.platform === 'linux' ? false : 'there is no /proc on this system',
}, async () => {
  const secret = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
  mkdirSync(join(dir, 'state'), { recursive: true });
  writeFileSync(join(dir, 'state', 'one.json'), '{}');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const gone = join(dir, 'gone');
  const script = `exec 3>"$0"; rm "$0"; echo ready; read x`;
  const child = spawn('/bin/sh', ['-c', script, gone, secret], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const [action] = hostActions({ deployment: profile, folder: dir, evidence: createEvidence(join(dir, 'evidence')) });
    const context = { incident: null, run: 'run', idempotencyKey: 'host', now: Date.now, signal, outArgs: [] };
    const args = action!.args.parse({});
    const { evidence } = await action!.act(args, context, {});
    const text = readFileSync(join(dir, 'evidence', (evidence!['report'] as { file: string }).file), 'utf8');
    const report = JSON.parse(text);
    const listening = report.sockets.find(({ local }: { local: string }) => local === `127.0.0.1:${port}`);
    assert.deepEqual([listening.state, listening.pid], ['listen', process.pid]);
    assert.deepEqual(
      report.deletedFiles
        .filter(({ pid }: { pid: number }) => pid === child.pid)
        .map(({ file }: { file: string }) => file),
      [`${gone} (deleted)`],
    );
    assert.ok(report.changed.files.some(({ path }: { path: string }) => path === join(dir, 'state', 'one.json')));
    assert.ok(report.processes.some(({ pid }: { pid: number }) => pid === process.pid));
    assert.ok(report.mounts.some(({ target }: { target: string }) => target === '/proc'));
    assert.ok(!text.includes(secret));
    assert.deepEqual(await action!.probe(args, context, {}), { state: 'done', done: { evidence } });
  } finally {
    child.kill();
    server.close();
  }
});
