// command.ssh against a real sshd on loopback, with a key of its own; the host's key must be known.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RempartError } from '../src/platform/base/errors.ts';
import { freePort } from '../src/platform/base/test-port.ts';
import { commandActions } from '../src/respond/actions/commands/command-actions.ts';
import { createEvidence } from '../src/respond/actions/evidence.ts';
import { makePlace, until } from './instance.ts';

const sshd = [process.env['SSHD'], '/usr/sbin/sshd'].find((path) => path !== undefined && existsSync(path));
const place = makePlace();
const at = (name: string) => join(place.dir, name);
const tools = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
let service: ChildProcess | undefined;
let port = 0;

const skip = whyNot();
function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'sshd is started as root only';
  if (sshd === undefined) return 'no sshd is installed (openssh-server, or name one in SSHD)';
  return spawnSync('ssh', ['-V']).status === 0 ? false : 'no ssh is installed';
}

before(async () => {
  if (skip !== false) return;
  for (const name of ['host', 'user', 'stranger'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  port = await freePort();
  const [type, key] = readFileSync(at('host.pub'), 'utf8').split(' ');
  writeFileSync(at('known'), `[127.0.0.1]:${port} ${type} ${key}\n`);
  writeFileSync(at('unknown'), '');
  const passwd = readFileSync('/etc/passwd', 'utf8');
  const own = /^sshd:/m.test(passwd) ? '' : 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n';
  writeFileSync(at('passwd'), `${passwd.replace(/\n?$/, '\n')}${own}`);
  mkdirSync('/run/sshd', { recursive: true });
  const options = {
    ListenAddress: '127.0.0.1',
    HostKey: at('host'),
    AuthorizedKeysFile: at('user.pub'),
    StrictModes: 'no',
    UsePAM: 'no',
    PidFile: 'none',
  };
  const args = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  // sshd wants a user of its own to give its rights up to: it has one where only it sees it.
  const command = `mount --bind "$0" /etc/passwd && exec "$@"`;
  const whole = [at('passwd'), sshd ?? '', '-D', '-e', '-f', '/dev/null', '-p', String(port), ...args];
  service = spawn('unshare', ['-m', 'sh', '-c', command, ...whole], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  service.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await until(() => said.includes('Server listening'));
});

after(() => {
  service?.kill();
  place.remove();
});

let count = 0;
async function run(command: string, values: object[] = [], more: { knownHosts?: string; key?: string } = {}) {
  const [action] = commandActions({
    tasks: {
      ask: () => Promise.reject(new Error()),
      find: async () => null,
      settled: () => Promise.reject(new Error()),
    },
    evidence: createEvidence(at('evidence')),
    secrets: { key: { file: at(more.key ?? 'user') } },
    urls: [],
    knownHosts: at(more.knownHosts ?? 'known'),
    timeoutMs: 20_000,
    path: tools,
    home: place.dir,
  }).filter(({ name }) => name === 'command.ssh');
  const args = action!.args.parse({
    command,
    values,
    targets: [{ type: 'ssh', name: 'db', address: { ipv4: ['127.0.0.1'] }, port: String(port) }],
    login: { type: 'private-key', username: 'root', kms: true, kms_key_identifier: 'key' },
  });
  const context = {
    incident: null,
    run: 'run',
    idempotencyKey: `ssh-${count++}`,
    now: Date.now,
    signal: new AbortController().signal,
    outArgs: ['__out__'],
  };
  const { before: state } = await action!.plan(args, context);
  return (await action!.act(args, context, state)).out?.['__out__'];
}

const code = (wanted: string) => (error: unknown) => error instanceof RempartError && error.code === wanted;

test('command.ssh runs the text on the other machine, with values as data and nothing to read', { skip }, async () => {
  const values = [{ name: '__who__', value: 'Zoë of 10.0.0.7', fixed: false }];
  assert.equal(await run('printf "%s|" "__who__:value"; cat; id -un', values), 'Zoë of 10.0.0.7|root');
});

test('command.ssh fails with what the command ends with, which is not what ssh fails with', { skip }, async () => {
  await assert.rejects(run('exit 4'), code('ERR_COMMAND_FAILED'));
});

test('command.ssh goes to no machine that it does not know, and has no other key than its own', { skip }, async () => {
  await assert.rejects(run('id', [], { knownHosts: 'unknown' }), code('ERR_COMMAND_SSH'));
  await assert.rejects(run('id', [], { key: 'stranger' }), code('ERR_COMMAND_SSH'));
});
