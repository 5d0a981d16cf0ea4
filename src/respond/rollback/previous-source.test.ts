import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openGit } from './git.ts';
import { goPrevious, isClean, isPrevious, planPrevious, previewPrevious, undoPrevious } from './previous-source.ts';

const path = process.env['PATH'] ?? '';

async function repository(t: { after(work: () => void): void }) {
  const root = mkdtempSync(join(tmpdir(), 'rempart-git-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      encoding: 'utf8',
    });
  const put = (name: string, text: string | Buffer) => {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  git('init', '-q', '-b', 'main');
  put('compose.yml', 'version 1\n');
  put('removed-later', 'x\n');
  put('.gitignore', 'ignored/\n');
  put('state/s.toml', 'n = 1\n');
  git('add', '-A');
  git('commit', '-qm', 'one');
  put('compose.yml', 'version 2\n');
  put('added', 'y\n');
  git('rm', '-q', 'removed-later');
  git('add', '-A');
  git('commit', '-qm', 'two');
  const opened = await openGit(root, path);
  assert(opened !== undefined);
  const parts = {
    git: opened,
    apart: [join(root, '.rempart'), join(root, 'state/s.toml')],
    scratch: join(root, '.rempart/scratch'),
  };
  return { root, git, put, parts };
}

/** Every file outside .git, with mode and content. */
function everything(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name !== '.git' && !name.startsWith('.git/') && !name.startsWith('.rempart'),
  );
  return Object.fromEntries(
    names.sort().flatMap((name) => {
      const stat = lstatSync(join(root, name));
      if (stat.isDirectory()) return [];
      if (stat.isSymbolicLink()) return [[name, `-> ${readlinkSync(join(root, name))}`]];
      return [[name, `${(stat.mode & 0o777).toString(8)} ${readFileSync(join(root, name)).toString('latin1')}`]];
    }),
  );
}

test('goPrevious() takes the work tree to the commit before, and undoPrevious() brings every byte back', async (t) => {
  const { root, git, put, parts } = await repository(t);
  put('.gitattributes', '* text eol=lf\n');
  put('compose.yml', 'hand made\r\nwith other line ends\r\n');
  put('staged', 'staged\n');
  git('add', 'staged');
  put('staged', 'and changed again\n');
  put('.env', 'TOKEN=1\n');
  chmodSync(join(root, '.env'), 0o600);
  put('docker-compose.override.yml', 'planted\n');
  put('deep/er/nobody knows\nit', Buffer.from([0, 255, 13, 10]));
  symlinkSync('compose.yml', join(root, 'link'));
  rmSync(join(root, 'added'));
  put('ignored/cache', 'kept\n');
  put('state/s.toml', 'n = 2\n');
  put('.rempart/lock', 'ours\n');
  const before = everything(root);
  const status = git('status', '--porcelain', '-uall');
  const plan = await planPrevious(parts);
  const foretold = await previewPrevious(parts, plan);
  assert.deepEqual(everything(root), before, 'a preview changes nothing');

  await goPrevious(parts, plan, 'k');
  assert.equal(await isPrevious(parts, plan, 'k'), true);
  assert.deepEqual(everything(root), {
    '.gitignore': before['.gitignore'],
    'compose.yml': '644 version 1\n',
    'ignored/cache': before['ignored/cache'],
    'removed-later': '644 x\n',
    'state/s.toml': before['state/s.toml'],
  });
  assert.equal(readFileSync(join(root, '.rempart/lock'), 'utf8'), 'ours\n');
  assert.equal(git('rev-parse', 'main').trim(), plan.head);
  assert.deepEqual(
    foretold.map(({ change, path: name }) => `${change} ${name}`).sort(),
    [
      'add removed-later',
      'modify compose.yml',
      'remove .env',
      'remove .gitattributes',
      'remove deep/er/nobody knows\nit',
      'remove docker-compose.override.yml',
      'remove link',
      'remove staged',
    ].sort(),
  );
  // A second time, as after a crash, what was kept first stays what is kept.
  await goPrevious(parts, plan, 'k');
  assert.equal(await isClean(parts), true);

  assert.equal(await undoPrevious(parts, plan, 'k'), true);
  assert.deepEqual(everything(root), before);
  assert.equal(git('status', '--porcelain', '-uall'), status);
  assert.equal(git('symbolic-ref', 'HEAD').trim(), 'refs/heads/main');
  assert.equal(statSync(join(root, '.env')).mode & 0o777, 0o600);
  assert.equal(await undoPrevious(parts, plan, 'k'), false);
});

test('undoPrevious() keeps what was changed after the rollback', async (t) => {
  const { root, git, put, parts } = await repository(t);
  const plan = await planPrevious(parts);
  await goPrevious(parts, plan, 'k');
  put('compose.yml', 'mended meanwhile\n');
  put('new', 'made meanwhile\n');
  await undoPrevious(parts, plan, 'k');
  assert.equal(readFileSync(join(root, 'compose.yml'), 'utf8'), 'version 2\n');
  assert.equal(readFileSync(join(root, 'new'), 'utf8'), 'made meanwhile\n');
  assert.equal(git('show', 'refs/rempart/k-undo/worktree:compose.yml'), 'mended meanwhile\n');
});

test('goPrevious() starts nothing that the work tree configures', async (t) => {
  const { root, git, put, parts } = await repository(t);
  const bait = join(root, 'ignored/ran');
  mkdirSync(join(root, 'ignored'));
  const script = join(root, 'ignored/hook');
  writeFileSync(script, `#!/bin/sh\ntouch '${bait}'\ncat\n`);
  chmodSync(script, 0o755);
  git('config', 'filter.evil.clean', script);
  git('config', 'filter.evil.smudge', script);
  git('config', 'filter.evil.required', 'true');
  git('config', 'core.fsmonitor', script);
  git('config', 'diff.external', script);
  git('config', 'core.worktree', join(root, 'ignored'));
  for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change'])
    symlinkSync(script, join(root, '.git/hooks', hook));
  put('.gitattributes', '* filter=evil diff=evil\n');
  put('compose.yml', 'changed\n');
  const anew = await openGit(root, path);
  assert(anew !== undefined);
  rmSync(bait, { force: true });
  const safe = { ...parts, git: anew };
  const plan = await planPrevious(safe);
  await previewPrevious(safe, plan);
  await goPrevious(safe, plan, 'k');
  assert.equal(readFileSync(join(root, 'compose.yml'), 'utf8'), 'version 1\n');
  assert.equal(existsSync(join(root, 'ignored/compose.yml')), false);
  await undoPrevious(safe, plan, 'k');
  assert.equal(existsSync(bait), false);
  assert.deepEqual(anew.filtersOff, ['evil']);
  assert.equal(readFileSync(join(root, 'compose.yml'), 'utf8'), 'changed\n');
});

const unusable: [string, (git: (...args: string[]) => string, root: string) => void][] = [
  ['has one commit only', (git) => git('checkout', '-q', 'HEAD~1')],
  ['is in the middle of a merge', (_git, root) => writeFileSync(join(root, '.git/MERGE_HEAD'), '')],
];
for (const [what, make] of unusable)
  test(`planPrevious() refuses a work tree that ${what}`, async (t) => {
    const { git, root, parts } = await repository(t);
    make(git, root);
    await assert.rejects(planPrevious(parts), { code: 'ERR_SOURCE_UNUSABLE' });
  });

test('openGit() finds no work tree where there is none, and says so when git is not there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-git-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.equal(await openGit(folder, path), undefined);
  mkdirSync(join(folder, '.git'));
  await assert.rejects(openGit(folder, '/nowhere'), { code: 'ERR_SOURCE_UNUSABLE' });
});
