// `rempart analyze` as a user meets it: files in, exit codes, what is said on the way, and what the narrator is sent.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { analyze, withOwnExit } from '../src/commands/analyze.ts';
import type { CommandInput } from '../src/commands/command.ts';
import { RempartError } from '../src/platform/base/errors.ts';
import { type Analysis, analysisSchema } from '../src/platform/documents/analysis.ts';
import { cwd, date, inputOf, secret } from './analyze-command-rig.ts';
import { run } from './instance.ts';

const wrong: [options: CommandInput['options'], says: RegExp, more?: string][] = [
  [{ format: 'pdf' }, /"pdf" is not one of: md, html, json, sarif, junit/],
  [{ format: ',' }, /is not one of: md, html/],
  [{ format: 'md,html' }, /Several formats need --out/],
  [{ 'fail-on': 'huge' }, /"huge" is not one of: critical, high, medium, low, info/],
  [{ narrator: 'gpt' }, /"gpt" is not one of: none, ollama, mistral, openai/],
  [{ date: 'yesterday' }, /"yesterday" is no date like/],
  [{ date: '2025-02-30' }, /"2025-02-30" is no date like/],
  [{ date: '2025-13-45' }, /"2025-13-45" is no date like/],
  [{ date: '2025-02-28T25:00:00Z' }, /is no date like/],
  [{}, /only once, alone/, '-'],
];
for (const [options, says, more] of wrong) {
  test(`rempart analyze refuses ${JSON.stringify(options)} ${more ?? ''} before it reads`, async () => {
    const paths = ['not-there.json', ...(more === undefined ? [] : [more])];
    await assert.rejects(analyze.run(inputOf(paths, options)), (error: RempartError) => {
      assert.equal(error.code, 'ERR_USAGE');
      assert.match(error.message, says);
      return true;
    });
  });
}

test('rempart analyze exits 3 where it fails itself, so that 1 always means --fail-on', async () => {
  const thrown = (error: unknown) => {
    try {
      return withOwnExit(error);
    } catch (told) {
      return told;
    }
  };
  for (const ours of [new TypeError('a fault'), new RempartError('ERR_INTERNAL'), 'a text']) {
    const told = thrown(ours) as RempartError;
    assert.deepEqual([told.code, told.exit, told.cause], ['ERR_ANALYSIS_INTERNAL', 3, ours]);
  }
  const known = new RempartError('ERR_EXPORT_MISSING', { path: 'x' });
  const aborted = new DOMException('stopped', 'AbortError');
  assert.deepEqual([thrown(known), thrown(aborted)], [known, aborted]);
  const broken = { ...inputOf([join(cwd, 'calm.json')]), say: () => assert.fail('a fault of the program') };
  await assert.rejects(
    async () => analyze.run({ ...broken, options: { 'fail-on': 'info', narrator: 'gpt' } }),
    (error: RempartError) => error.code === 'ERR_ANALYSIS_INTERNAL',
  );
});

test('rempart analyze counts no error where a file holds no conversation', async () => {
  mkdirSync(join(cwd, 'lists'), { recursive: true });
  writeFileSync(join(cwd, 'lists', 'tags.json'), '["a","b"]');
  writeFileSync(join(cwd, 'lists', 'numbers.json'), '[1,2,3]');
  const { code, stdout, stderr } = await run(['analyze', 'lists', '--json', ...date], { cwd });
  assert.equal(code, 3);
  assert.match(stderr, /tags\.json \(no conversation in it\)/);
  assert.deepEqual((JSON.parse(stdout) as Analysis).statistics, { conversations: 0, ok: 0, errors: 0 });
});

test('rempart analyze says what is not there and exits 3', async () => {
  const { code, stderr } = await run(['analyze', 'nowhere.json'], { cwd });
  assert.match(stderr, /nowhere\.json.*ERR_EXPORT_MISSING/);
  assert.equal(code, 3);
});

test('rempart analyze exits 3 where nothing can be read, and the report says what was there', async () => {
  mkdirSync(join(cwd, 'holiday'), { recursive: true });
  writeFileSync(join(cwd, 'holiday', 'photo.png'), Buffer.from([0x89, 0x50, 0x4e, 0x47]));
  const { code, stdout, stderr } = await run(['analyze', 'holiday', ...date], { cwd });
  assert.equal(code, 3);
  assert.match(stderr, /No conversation could be read/);
  assert.match(stdout, /\*\*Number of conversations\*\*: 0/);
  assert.match(stdout, /photo\.png/);
});

test('rempart analyze - reads standard input; --fail-on is 0 where nothing is open', async () => {
  const main = join(import.meta.dirname, '..', 'bin', 'rempart.js');
  const child = spawn(process.execPath, [main, 'analyze', '-', '--json', '--fail-on', 'info', ...date], {
    cwd,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stdin.end(readFileSync(join(cwd, 'calm.json')));
  await once(child, 'close');
  assert.equal(child.exitCode, 0);
  assert.equal(analysisSchema.parse(JSON.parse(stdout)).conversations[0]?.title, 'Soup');
});

test('rempart analyze keeps the place of conversations that are given twice, each with an id of its own', async () => {
  const { stdout } = await run(['analyze', 'calm.json', 'calm.json', '--json', ...date], { cwd });
  const { conversations } = analysisSchema.parse(JSON.parse(stdout));
  assert.deepEqual(
    conversations.map(({ id }) => id),
    ['conversation-0', 'conversation-0~2'],
  );
});

test('rempart analyze --narrator asks the configured address, and only then is anything sent; --fail-on is 1 where something is open', async (t) => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      bodies.push(`${request.headers.authorization} ${body}`);
      const content = 'A query is built from text [F-1-1]. Nothing else matters.';
      response.end(JSON.stringify({ choices: [{ message: { content } }] }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  writeFileSync(join(cwd, 'narrator.yaml'), `narrator: { url: "http://127.0.0.1:${port}", key: env:NARRATOR_KEY }\n`);
  const args = ['analyze', 'chats.json', ...date, '--config', 'narrator.yaml'];
  const env = { NARRATOR_KEY: 'k-42' };
  const silent = await run([...args, '--fail-on', 'critical'], { cwd, env });
  assert.deepEqual([silent.code, bodies.length], [1, 0]);
  const { stdout, stderr, code } = await run([...args, '--narrator', 'openai'], { cwd, env });
  assert.equal(code, 0);
  assert.match(stderr, new RegExp(`asked of openai, gpt-4o-mini \\(127\\.0\\.0\\.1:${port}\\)`));
  assert.match(stdout, /A query is built from text \\\[F-1-1\\\]\./);
  assert.match(stdout, /Summing-up by openai, gpt-4o-mini: sentences kept 1, refused and replaced \d/);
  assert.ok(bodies.length >= 1 && bodies.every((body) => body.startsWith('Bearer k-42')));
  for (const body of bodies)
    for (const said of ['Flask user page', 'request.args', secret]) assert.ok(!body.includes(said), said);
});
