import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { ActionContext } from '../../engine/action.ts';
import type { Task } from '../../engine/durable.ts';
import { createEvidence } from '../evidence.ts';
import { commandActions } from './command-actions.ts';
import type { CommandParts } from './command-parts.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-commands-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const evidenceDir = join(dir, 'evidence');
let count = 0;

const noTasks: CommandParts['tasks'] = {
  ask: () => Promise.reject(new Error('no question was expected')),
  find: async () => null,
  settled: () => Promise.reject(new Error('no question was expected')),
};

function action(type: string, more: Partial<CommandParts> = {}) {
  const parts: CommandParts = {
    tasks: noTasks,
    evidence: createEvidence(evidenceDir),
    secrets: { 'api-key': { value: 'hunter2hunter2' } },
    urls: [],
    timeoutMs: 10_000,
    path: '/usr/local/bin:/usr/bin:/bin',
    home: dir,
    ...more,
  };
  return commandActions(parts).find(({ name }) => name === `command.${type}`)!;
}

function context(more: Partial<ActionContext> = {}): ActionContext {
  return {
    incident: 'incident-1',
    run: 'run-1',
    idempotencyKey: `key-${count++}`,
    now: Date.now,
    signal: new AbortController().signal,
    outArgs: ['__out__'],
    ...more,
  };
}

async function carryOut(type: string, given: JsonObject, more: Partial<CommandParts> = {}, at = context()) {
  const one = action(type, more);
  const args = one.args.parse(given);
  const plan = await one.plan(args, at);
  const done = await one.act(args, at, plan.before);
  return { plan, done, probe: () => one.probe(args, at, plan.before) };
}

const code = (wanted: string) => (error: unknown) => error instanceof RempartError && error.code === wanted;
const value = (name: string, text: string) => ({ name, value: text, fixed: false });

test('command.bash runs the text, gives its output back, and is not done twice', async () => {
  const { plan, done, probe } = await carryOut('bash', {
    command: 'echo "hello __who__:value"; echo err >&2',
    values: [value('__who__', 'Zoë')],
  });
  assert.equal(plan.reversible, false);
  assert.deepEqual(done.out, { __out__: 'hello Zoë' });
  const { file } = done.evidence!['output'] as { file: string };
  const kept = join(evidenceDir, file);
  assert.match(readFileSync(kept, 'utf8'), /hello Zoë\n(.|\n)*err/);
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  assert.deepEqual(await probe(), { state: 'done', done: { out: done.out, evidence: done.evidence } });
});

test('command.bash runs in a clean environment, with nothing to read', async () => {
  process.env['SECRET_OF_THE_TEST'] = 'x';
  process.env['BASH_ENV'] = join(dir, 'evil.sh');
  writeFileSync(join(dir, 'evil.sh'), `touch ${join(dir, 'evil')}\n`);
  try {
    const { done } = await carryOut('bash', { command: 'env | cut -d= -f1 | sort | xargs; cat; pwd' });
    assert.match(done.out?.['__out__'] ?? '', /^HOME LANG (OLDPWD )?PATH PWD SHLVL _\s+\/$/);
    assert.equal(existsSync(join(dir, 'evil')), false);
  } finally {
    delete process.env['BASH_ENV'];
    delete process.env['SECRET_OF_THE_TEST'];
  }
});

test('command.bash calls this instance when its text says rempart, and gets the variables that are configured', async () => {
  const program = join(dir, 'program.js');
  writeFileSync(program, 'console.log(JSON.stringify(process.argv.slice(2)), process.env.GIVEN)');
  const rempart = { node: process.execPath, program, data: '/some data', configFile: '/a/rempart.yaml' };
  const { done } = await carryOut(
    'bash',
    { command: 'rempart journal verify' },
    { rempart, environment: { GIVEN: 'x' } },
  );
  assert.deepEqual(done.out, {
    __out__: '["journal","verify","--data","/some data","--config","/a/rempart.yaml"] x',
  });
});

test('command.bash ends the whole group of a command that takes too long, or that is no longer wanted', async () => {
  const file = join(dir, 'late');
  const slow = { command: `(sleep 6; touch ${file}) & sleep 30` };
  await assert.rejects(carryOut('bash', slow, { timeoutMs: 300 }), code('ERR_COMMAND_TIMEOUT'));
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error('told to stop')), 200);
  await assert.rejects(carryOut('bash', slow, {}, context({ signal: stop.signal })), /told to stop/);
  await wait(6_300);
  assert.equal(existsSync(file), false);
});

test('command.bash is not held up by what it leaves behind', async () => {
  const { done } = await carryOut('bash', { command: 'setsid sleep 20 & echo done' }, { timeoutMs: 8_000 });
  assert.deepEqual(done.out, { __out__: 'done' });
});

test('command.bash keeps so much output and no more, without secrets and control characters', async () => {
  const secret = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
  const given = { command: `printf 'key ${secret}\\033[31m\\n'; head -c 3000000 /dev/zero | tr '\\0' x` };
  const { done } = await carryOut('bash', given);
  const { file, bytes } = done.evidence!['output'] as { file: string; bytes: number };
  assert.ok(bytes < 600_000);
  assert.ok(Number(done.evidence!['dropped']) > 2_000_000);
  assert.ok(!readFileSync(join(evidenceDir, file), 'utf8').includes(secret));
  assert.match(done.out?.['__out__'] ?? '', /^key \[masked\] \[31m/);
});

test('command.bash fails with what its command ends with, and keeps what it said', async () => {
  const at = context();
  await assert.rejects(carryOut('bash', { command: 'echo why; exit 3' }, {}, at), code('ERR_COMMAND_FAILED'));
  const folder = join(evidenceDir, 'incident-1', at.idempotencyKey);
  assert.match(readFileSync(join(folder, 'output.txt'), 'utf8'), /^exit 3\n(.|\n)*why/);
  assert.deepEqual(await action('bash').probe({}, at, {}), { state: 'unknown' });
  assert.deepEqual(readdirSync(folder).sort(), ['begun', 'output.txt']);
});

test('command.bash refuses what is meant for another machine', async () => {
  const targets = [{ type: 'linux', name: 'db', address: { ipv4: ['10.0.0.7'] } }];
  await assert.rejects(carryOut('bash', { command: 'reboot', targets }), code('ERR_COMMAND_TARGET'));
});

async function serve<T>(listener: RequestListener, use: (origin: string) => Promise<T>): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('command.http-api asks with the secret of its login, which is kept nowhere', async () => {
  let seen = {};
  const listener: RequestListener = async ({ method, url, headers }, response) => {
    seen = { method, url, authorization: headers.authorization, x: headers['x-a'] };
    response.end(`you said ${headers.authorization}`);
  };
  await serve(listener, async (origin) => {
    const { done, plan, probe } = await carryOut(
      'http-api',
      {
        command: 'DELETE /v1/keys/7 HTTP/1.1',
        headers: { 'X-A': ['1', '2'] },
        targets: [{ type: 'http-api', name: 'api', address: { url: [origin] } }],
        login: { type: 'oauth2', kms: true, kms_key_identifier: 'api-key' },
      },
      { urls: [`${origin}/v1`] },
    );
    assert.deepEqual(seen, { method: 'DELETE', url: '/v1/keys/7', authorization: 'Bearer hunter2hunter2', x: '1, 2' });
    assert.deepEqual(plan.effects, [{ target: new URL(origin).host, change: 'delete', to: '/v1/keys/7' }]);
    assert.deepEqual(done.out, { __out__: 'you said Bearer [masked]' });
    const { file } = done.evidence!['answer'] as { file: string };
    assert.ok(!readFileSync(join(evidenceDir, file), 'utf8').includes('hunter2'));
    assert.equal((await probe()).state, 'done');
  });
});

test('command.http-api follows no redirect, and fails on any answer that is no success', async () => {
  let asked = 0;
  const listener: RequestListener = (_request, response) => {
    asked++;
    response.writeHead(302, { location: '/other' }).end();
  };
  await serve(listener, async (origin) => {
    const given = { command: `GET ${origin}/ HTTP/1.1` };
    await assert.rejects(carryOut('http-api', given, { urls: [origin] }), code('ERR_COMMAND_HTTP'));
    assert.equal(asked, 1);
  });
});

test('command.http-api keeps the beginning of an answer without end', async () => {
  const listener: RequestListener = (_request, response) => {
    const timer = setInterval(() => response.write('x'.repeat(100_000)), 1);
    response.on('close', () => clearInterval(timer));
  };
  await serve(listener, async (origin) => {
    const { done } = await carryOut('http-api', { command: `GET ${origin}/ HTTP/1.1` }, { urls: [origin] });
    assert.ok((done.evidence!['answer'] as { bytes: number }).bytes < 1_100_000);
  });
});

test('command.http-api gives up on a server that does not answer, and says when one is not there', async () => {
  await serve(
    () => undefined,
    async (origin) => {
      const given = { command: `GET ${origin}/ HTTP/1.1` };
      const limits = { urls: [origin], timeoutMs: 300 };
      await assert.rejects(carryOut('http-api', given, limits), code('ERR_COMMAND_UNREACHABLE'));
    },
  );
  const given = { command: 'GET http://127.0.0.1:1/ HTTP/1.1' };
  await assert.rejects(carryOut('http-api', given, { urls: ['http://127.0.0.1:1'] }), code('ERR_COMMAND_UNREACHABLE'));
});

const target = (url: string) => [{ type: 'http-api', name: 'api', address: { url: [url] } }];
const refused: [string, JsonObject, string][] = [
  ['no allowed address', { command: 'GET https://evil.example/ HTTP/1.1' }, 'ERR_COMMAND_URL'],
  [
    'a host that only begins like one',
    { command: 'GET https://api.example.evil.test/v1/ HTTP/1.1' },
    'ERR_COMMAND_URL',
  ],
  ['a path that only begins like one', { command: 'GET https://api.example/v10/x HTTP/1.1' }, 'ERR_COMMAND_URL'],
  ['a way up', { command: 'GET https://api.example/v1/../admin HTTP/1.1' }, 'ERR_COMMAND_URL'],
  ['a way up that is escaped', { command: 'GET https://api.example/v1/%2e%2e%2fadmin HTTP/1.1' }, 'ERR_COMMAND_URL'],
  ['another scheme', { command: 'GET http://api.example/v1/ HTTP/1.1' }, 'ERR_COMMAND_URL'],
  ['a password in the address', { command: 'GET https://u:p@api.example/v1/ HTTP/1.1' }, 'ERR_COMMAND_URL'],
  [
    'a path that names another host',
    { command: 'GET //evil.example/v1/ HTTP/1.1', targets: target('https://api.example') },
    'ERR_COMMAND_REQUEST',
  ],
  ['another method', { command: 'TRACE https://api.example/v1/ HTTP/1.1' }, 'ERR_COMMAND_REQUEST'],
  ['a second line', { command: 'GET https://api.example/v1/ HTTP/1.1\r\nX: y' }, 'ERR_COMMAND_REQUEST'],
  [
    'a header of two lines',
    { command: 'GET https://api.example/v1/ HTTP/1.1', headers: { 'X-A': ['1\r\nX-B: 2'] } },
    'ERR_COMMAND_REQUEST',
  ],
  [
    'a header for another host',
    { command: 'GET https://api.example/v1/ HTTP/1.1', headers: { Host: ['evil.example'] } },
    'ERR_COMMAND_REQUEST',
  ],
  [
    'a secret in clear',
    { command: 'GET https://api.example/v1/ HTTP/1.1', login: { type: 'http-basic', user_id: 'a', password: 'b' } },
    'ERR_COMMAND_SECRET',
  ],
  [
    'a secret that is not configured',
    { command: 'GET https://api.example/v1/ HTTP/1.1', login: { type: 'oauth2', kms_key_identifier: 'constructor' } },
    'ERR_COMMAND_SECRET',
  ],
];
for (const [what, given, wanted] of refused)
  test(`command.http-api refuses ${what} before anything is asked`, async () => {
    const one = action('http-api', { urls: ['https://api.example/v1'] });
    await assert.rejects(one.plan(one.args.parse(given), context()), code(wanted));
  });

const machine = (address: string, more: JsonObject = {}) => [
  { type: 'ssh', name: 'db', address: { dname: [address] }, ...more },
];
const notReached: [string, JsonObject, string][] = [
  ['an option for a machine', { command: 'id', targets: machine('-oProxyCommand=id') }, 'ERR_COMMAND_TARGET'],
  ['a user in the address', { command: 'id', targets: machine('root@db') }, 'ERR_COMMAND_TARGET'],
  ['a port that is none', { command: 'id', targets: machine('db', { port: '22 -v' }) }, 'ERR_COMMAND_TARGET'],
  ['no machine', { command: 'id' }, 'ERR_COMMAND_TARGET'],
  ['two machines', { command: 'id', targets: [...machine('a'), ...machine('b')] }, 'ERR_COMMAND_TARGET'],
  [
    'a user that is an option',
    { command: 'id', targets: machine('db'), login: { type: 'private-key', username: '-v' } },
    'ERR_COMMAND_TARGET',
  ],
  [
    'a key in clear',
    { command: 'id', targets: machine('db'), login: { type: 'private-key', username: 'a', private_key: 'x' } },
    'ERR_COMMAND_SECRET',
  ],
  [
    'a key that is no file',
    {
      command: 'id',
      targets: machine('db'),
      login: { type: 'private-key', username: 'a', kms_key_identifier: 'api-key' },
    },
    'ERR_COMMAND_SECRET',
  ],
];
for (const [what, given, wanted] of notReached)
  test(`command.ssh refuses ${what} before anything is run`, async () => {
    const one = action('ssh');
    await assert.rejects(one.plan(one.args.parse(given), context()), code(wanted));
  });

test('command.ssh says that there is no ssh where there is none', async () => {
  const given = { command: 'id', targets: machine('127.0.0.1') };
  await assert.rejects(carryOut('ssh', given, { path: dir }), code('ERR_COMMAND_SSH_NONE'));
});

test('command.manual asks people once, and gives back what they filled in for its own variables only', async () => {
  const asked: Task[] = [];
  const decisions = [{ by: 'ana', grant: true, at: 7, values: { __out__: 'sk-new', __other__: 'x' } }];
  const tasks: CommandParts['tasks'] = {
    async ask(task) {
      const found = asked.find(({ id }) => id === task.id);
      if (found !== undefined) return found;
      asked.push({ ...task, askedAt: 0, state: 'open', decisions: [] });
      return asked[0]!;
    },
    find: async (id) => asked.find((task) => task.id === id) ?? null,
    settled: async () => Object.assign(asked[0]!, { state: 'granted', decisions }),
  };
  const given = {
    command: 'Revoke the key\u001b[31m at the provider',
    targets: [{ type: 'individual', name: 'Security' }],
  };
  const at = context({ step: 'Revoke', requestedBy: 'responder', outArgs: ['__out__', '__unsaid__'] });
  const { done, probe } = await carryOut('manual', given, { tasks }, at);
  assert.deepEqual(
    [asked[0]?.kind, asked[0]?.step, asked[0]?.requestedBy, asked[0]?.about['command']],
    ['manual', 'Revoke', 'responder', 'Revoke the key [31m at the provider'],
  );
  assert.equal(JSON.stringify(done.out), '{"__out__":"sk-new"}');
  assert.deepEqual(Object.keys(done.out ?? {}), ['__out__']);
  assert.deepEqual(done.evidence, { by: ['ana'], at: 7 });
  assert.deepEqual(await probe(), { state: 'done', done });
});

test('command.manual fails when people say that it was not done', async () => {
  const tasks: CommandParts['tasks'] = {
    ask: async (task) => ({ ...task, askedAt: 0, state: 'open', decisions: [] }),
    find: async () => null,
    settled: async (id) => ({ ...({ id } as Task), state: 'denied', decisions: [] }),
  };
  await assert.rejects(carryOut('manual', { command: 'Call' }, { tasks }), code('ERR_ACTION_DENIED'));
});
