import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RempartError } from '../../../platform/base/errors.ts';
import { findComposeTool } from './compose-tool.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-compose-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const signal = new AbortController().signal;
const said = join(dir, 'said');

/** A program of that name that notes how it was called. */
function program(name: string, body: string): void {
  writeFileSync(join(dir, name), `#!/bin/sh\necho "${name} $* $DOCKER_HOST" >> ${said}\n${body}\n`);
  chmodSync(join(dir, name), 0o755);
}
const code = (wanted: string) => (error: unknown) => error instanceof RempartError && error.code === wanted;

test('findComposeTool() says that there is none without a compose file, and without a program that answers', async () => {
  await assert.rejects(findComposeTool({ file: 'compose.yaml', env: { PATH: dir } }), code('ERR_COMPOSE_NONE'));
  program('docker', 'echo "docker: compose is not a docker command" >&2; exit 1');
  await assert.rejects(findComposeTool({ file: 'compose.yaml', env: { PATH: dir } }), code('ERR_COMPOSE_NONE'));
  program('podman-compose', 'exit 0');
  await assert.rejects(findComposeTool({ file: undefined, env: { PATH: dir } }), code('ERR_COMPOSE_NONE'));
});

test('findComposeTool() takes the first that answers, builds anew and starts nothing', async () => {
  writeFileSync(said, '');
  program('podman-compose', 'echo built');
  const tool = await findComposeTool({ file: '/a b/compose.yaml', socketPath: '/x.sock', env: { PATH: dir } });
  assert.equal(tool.name, 'podman-compose');
  assert.equal(await tool.build(signal), 'built\n');
  await tool.create(signal);
  assert.deepEqual(readFileSync(said, 'utf8').trim().split('\n').slice(-2), [
    'podman-compose -f /a b/compose.yaml build --no-cache unix:///x.sock',
    'podman-compose -f /a b/compose.yaml up --no-start --force-recreate unix:///x.sock',
  ]);
});

test('findComposeTool() fails with what the program ends with, its output as the cause', async () => {
  program('podman-compose', 'if [ "$1" = version ]; then exit 0; fi; echo no such image >&2; exit 17');
  const tool = await findComposeTool({ file: 'compose.yaml', env: { PATH: dir } });
  const failed = (error: unknown) =>
    code('ERR_COMPOSE_FAILED')(error) &&
    error instanceof RempartError &&
    error.facts['exit'] === 17 &&
    error.cause === 'no such image\n';
  await assert.rejects(tool.build(signal), failed);
});
