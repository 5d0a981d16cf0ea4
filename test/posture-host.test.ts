// This machine scanned: listeners in a network namespace, firewalls live and recorded, containers, settings, secrets.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deploymentSchema } from '../src/platform/documents/deployment.ts';
import { readSocketTable } from '../src/platform/host/sockets.ts';
import { lintProject } from '../src/platform/inspection/containers/lint.ts';
import { loadContainerRules } from '../src/platform/inspection/containers/rules.ts';
import { liesIn } from '../src/protect/posture/exposure/addresses.ts';
import { runningContainers } from '../src/protect/posture/exposure/engine.ts';
import { decide, readFirewall } from '../src/protect/posture/exposure/firewall.ts';
import { judgeOllamaSettings, judgeSecretFiles } from '../src/protect/posture/exposure/settings.ts';
import { iptablesRules, modelDoor, nftRules } from '../src/protect/posture/harden/firewall-out.ts';
import { run } from './instance.ts';

const place = mkdtempSync(join(tmpdir(), 'rempart-host-'));
after(() => rmSync(place, { recursive: true, force: true }));
const fixtures = join(import.meta.dirname, 'fixtures', 'posture', 'firewall');
const main = join(import.meta.dirname, '..', 'bin', 'rempart.js');

const namespaces = spawnSync('unshare', ['-n', 'true']).status === 0;
const noNamespaces = namespaces ? false : 'network namespaces are not possible here (unshare -n)';
/** In a namespace of its own nothing has been set: a firewall is there to be asked and says nothing, or there is none to ask. */
const firewallHere = [
  ['nft', '-j', 'list', 'ruleset'],
  ['iptables', '-S'],
].some((command) => spawnSync('unshare', ['-n', ...command]).status === 0);
const ofFirewall = firewallHere ? { rules: ['host/firewall-missing'], missed: false } : { rules: [], missed: true };

/** A scan inside a network namespace of its own, where a server listens on an address. */
async function scanBeside(address: string, answer: string, before: string[] = []) {
  const server = `require('node:http').createServer((q, r) => ${answer}).listen(11434, '${address}', () => console.log('up'))`;
  const script = [
    'ip link set lo up',
    'ip addr add 10.99.0.1/32 dev lo',
    ...before,
    `"$1" -e "$2" & server=$!`,
    'sleep 0.4',
    `"$1" "$3" posture scan --json --data "$4"; code=$?`,
    'kill $server; exit $code',
  ].join('\n');
  const args = ['-n', 'sh', '-c', script, 'sh', process.execPath, server, main, join(place, 'data')];
  const child = spawn('unshare', args, { cwd: place, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const json = stdout.slice(stdout.indexOf('{'));
  assert.ok(json.startsWith('{'), `${stdout}${stderr}`);
  const { findings, notAssessed } = JSON.parse(json) as {
    findings: { rule: string; setting: string; severity: string }[];
    notAssessed: unknown[];
  };
  return {
    code,
    rules: findings.filter(({ setting }) => setting.endsWith(':11434')).map(({ rule }) => rule),
    missed: JSON.stringify(notAssessed).includes('irewall'),
  };
}
const ollama = "r.end(q.url === '/api/tags' ? '{\\\"models\\\":[]}' : 'no')";

test('posture scan finds an Ollama on an address that others reach', { skip: noNamespaces }, async () => {
  const { code, rules, missed } = await scanBeside('10.99.0.1', ollama);
  assert.deepEqual(rules, ['host/llm-exposed', ...ofFirewall.rules]);
  assert.equal(missed, ofFirewall.missed, 'it says that there was no firewall to ask, or judges it');
  assert.equal(code, 1);
});

test('posture scan does not flag the same Ollama on loopback', { skip: noNamespaces }, async () => {
  const { rules } = await scanBeside('127.0.0.1', ollama);
  assert.deepEqual(rules, []);
});

test('posture scan finds one on every address, and what it lets any browser do', { skip: noNamespaces }, async () => {
  const { rules } = await scanBeside('0.0.0.0', `(r.setHeader('access-control-allow-origin', '*'), ${ollama})`);
  assert.deepEqual(rules, ['host/llm-exposed', 'host/wildcard-origins', ...ofFirewall.rules]);
});

test('posture scan does not call a model open that asks who is calling', { skip: noNamespaces }, async () => {
  const { rules } = await scanBeside('10.99.0.1', '(r.statusCode = 401, r.end())');
  assert.deepEqual(rules, ['host/listener-public']);
});

const nftHere = namespaces && spawnSync('unshare', ['-n', 'nft', 'list', 'ruleset']).status === 0;
test('posture scan sees that the rules which harden writes hold strangers off', {
  skip: nftHere ? false : 'nft cannot be used in a namespace here',
}, async () => {
  const file = join(place, 'model.nft');
  writeFileSync(file, nftRules(door));
  const { rules } = await scanBeside('10.99.0.1', ollama, [`nft -f ${file}`]);
  assert.deepEqual(rules, ['host/llm-held']);
});

const door = modelDoor(deploymentSchema.parse({ name: 'x', services: [{ name: 'a', role: 'core', order: 1 }] }));
const asked: [source: string, verdict: 'accept' | 'drop'][] = [
  ['127.0.0.1', 'accept'],
  ['172.20.3.4', 'accept'],
  ['172.19.3.4', 'drop'],
  ['192.168.1.5', 'drop'],
  ['203.0.113.9', 'drop'],
];

test('readFirewall() reads back the nftables rules that harden writes', {
  skip: nftHere ? false : 'nft cannot be used in a namespace here',
}, () => {
  const file = join(place, 'read.nft');
  writeFileSync(file, nftRules(door));
  const json = execFileSync('unshare', ['-n', 'sh', '-c', `nft -f ${file} && nft -j list ruleset`]).toString();
  const firewall = readFirewall(json);
  assert.ok(firewall !== undefined);
  assert.deepEqual(
    asked.map(([source]) => [source, decide(firewall, 11434, source)]),
    asked,
  );
  assert.equal(decide(firewall, 443, '203.0.113.9'), 'accept');
});

const iptablesHere = namespaces && spawnSync('unshare', ['-n', 'iptables', '-S']).status === 0;
test('readFirewall() reads back the iptables rules that harden writes', {
  skip: iptablesHere ? false : 'iptables cannot be used in a namespace here',
}, () => {
  const file = join(place, 'rules.sh');
  writeFileSync(file, iptablesRules(door));
  const text = execFileSync('unshare', ['-n', 'sh', '-c', `sh ${file} && sh ${file} && iptables -S`]).toString();
  const firewall = readFirewall(text);
  assert.ok(firewall !== undefined);
  assert.equal(text.match(/-A INPUT .*REMPART_MODEL/g)?.length, 1, 'run twice, it is there once');
  assert.deepEqual(
    asked.map(([source]) => [source, decide(firewall, 11434, source)]),
    asked,
  );
});

for (const [name, source, verdict] of [
  ['netsh-open-en', '203.0.113.9', 'accept'],
  ['netsh-open-fr', '203.0.113.9', 'accept'],
  ['netsh-held-en', '203.0.113.9', 'drop'],
  ['netsh-held-en', '172.20.9.9', 'accept'],
  ['netsh-blocked-fr', '172.20.9.9', 'drop'],
] as const)
  test(`readFirewall() answers ${verdict} to ${source} with ${name}`, () => {
    const firewall = readFirewall(readFileSync(join(fixtures, `${name}.txt`), 'utf8'));
    assert.equal(firewall?.kind, 'netsh');
    assert.equal(firewall && decide(firewall, 11434, source), verdict);
  });

test('posture scan --firewall judges a recorded output, and refuses what is none', async () => {
  const data = join(place, 'other');
  const open = await run(
    ['posture', 'scan', '--json', '--data', data, '--firewall', join(fixtures, 'netsh-open-en.txt')],
    { cwd: place },
  );
  assert.match(open.stdout, /host\/firewall-open/);
  const none = join(place, 'none.txt');
  writeFileSync(none, 'hello\n');
  const refused = await run(['posture', 'scan', '--data', data, '--firewall', none], { cwd: place });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /ERR_POSTURE_FIREWALL/);
});

test('readSocketTable() reads the addresses of proc(5)', () => {
  const rows = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1',
    '   1: 00000000000000000000000000000000:2CAA 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1',
    '   2: 0000000000000000FFFF0000050014AC:0050 0000000000000000FFFF0000070014AC:2CAA 01 00000000:00000000 00:00000000 00000000     0        0 13 1',
  ];
  assert.deepEqual(
    readSocketTable(rows.join('\n')).map(({ state, local, remote }) => [state, local, remote.address]),
    [
      ['listen', { address: '127.0.0.1', port: 11434 }, '0.0.0.0'],
      ['listen', { address: '::', port: 11434 }, '::'],
      ['established', { address: '::ffff:172.20.0.5', port: 80 }, '::ffff:172.20.0.7'],
    ],
  );
});

test('liesIn() knows networks of both families and mapped addresses', () => {
  assert.equal(liesIn('::ffff:172.20.0.5', ['172.20.0.0/16']), true);
  assert.equal(liesIn('172.21.0.5', ['172.20.0.0/16']), false);
  assert.equal(liesIn('fd00::1', ['fd00::/8', '10.0.0.0/8']), true);
  assert.equal(liesIn('1.2.3.4', ['0.0.0.0/0']), true);
  assert.equal(liesIn('not an address', ['0.0.0.0/0']), false);
});

test('judgeOllamaSettings() finds a host and origins for everybody, in the environment and in systemd units', () => {
  const folder = join(place, 'systemd');
  mkdirSync(join(folder, 'ollama.service.d'), { recursive: true });
  writeFileSync(
    join(folder, 'ollama.service.d', 'override.conf'),
    '[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0:11434" "OLLAMA_ORIGINS=*"\n',
  );
  const rules = (env: Record<string, string>) =>
    judgeOllamaSettings(env, folder, join(place, 'no-proc')).map(({ rule }) => rule);
  assert.deepEqual(rules({}), ['host/model-bound-everywhere', 'host/wildcard-origins']);
  rmSync(join(folder, 'ollama.service.d'), { recursive: true });
  assert.deepEqual(rules({ OLLAMA_HOST: '127.0.0.1:11434', OLLAMA_ORIGINS: 'http://localhost' }), []);
  assert.deepEqual(rules({ OLLAMA_HOST: 'http://[::]:11434' }), ['host/model-bound-everywhere']);
});

test('judgeSecretFiles() finds keys that everybody may read', () => {
  const data = join(place, 'secrets');
  mkdirSync(data);
  writeFileSync(join(data, 'prompt.key'), 'x');
  chmodSync(join(data, 'prompt.key'), 0o644);
  writeFileSync(join(data, 'journal.key.pem'), 'x', { mode: 0o600 });
  assert.deepEqual(
    judgeSecretFiles(data, data, {}).map(({ file }) => file),
    [join(data, 'prompt.key')],
  );
});

test('runningContainers() reads containers from the engine and judges them by the same rules', async () => {
  const socket = join(place, 'engine.sock');
  const methods = new Set<string>();
  const container = {
    Id: 'abc',
    Name: '/web',
    Config: { Image: 'nginx:latest', User: '', Env: ['PATH=/bin', 'DB_PASSWORD=hunter2'], Healthcheck: null },
    HostConfig: {
      Privileged: true,
      SecurityOpt: ['seccomp=unconfined'],
      NetworkMode: 'bridge',
      PidMode: 'host',
      Memory: 0,
      PidsLimit: null,
      Binds: ['/var/run/docker.sock:/var/run/docker.sock'],
      PortBindings: { '11434/tcp': [{ HostIp: '', HostPort: '11434' }] },
    },
  };
  const engine = createServer((request, response) => {
    methods.add(request.method ?? '');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/containers/json' ? [{ Id: 'abc' }] : container));
  });
  await new Promise<void>((resolve) => engine.listen(socket, resolve));
  try {
    const project = await runningContainers(socket, 2_000);
    const findings = lintProject(project, { rules: loadContainerRules(), lang: 'en' });
    const rules = new Set(findings.map(({ rule }) => rule));
    for (const rule of [
      'privileged',
      'seccomp-unconfined',
      'pid-host',
      'docker-socket',
      'port-sensitive',
      'image-latest',
      'user-unset',
      'secret-environment',
      'memory-limit',
    ])
      assert.ok(rules.has(`compose/${rule}`), rule);
    assert.deepEqual([...new Set(findings.map(({ file, line }) => `${file} ${line}`))], ['container:web null']);
    assert.ok(!JSON.stringify(findings).includes('hunter2'));
    assert.deepEqual([...methods], ['GET']);
  } finally {
    engine.close();
  }
});

test('runningContainers() takes the eleven defaults dropped by name for ALL from Podman only', async () => {
  const names = 'CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT';
  const CapDrop = names.split(' ').map((name) => `CAP_${name}`);
  const container = { Id: 'abc', Name: '/web', Config: { Image: 'nginx:1' }, HostConfig: { CapDrop } };
  const dropsNotAll = async (Components: unknown): Promise<boolean> => {
    const socket = join(place, `engine-${JSON.stringify(Components).length}.sock`);
    const engine = createServer(({ url }, response) => {
      response.setHeader('content-type', 'application/json');
      const answers: Record<string, unknown> = { '/containers/json': [{ Id: 'abc' }], '/version': { Components } };
      response.end(JSON.stringify(answers[url ?? ''] ?? container));
    });
    await new Promise<void>((resolve) => engine.listen(socket, resolve));
    try {
      const project = await runningContainers(socket, 2_000);
      const findings = lintProject(project, { rules: loadContainerRules(), lang: 'en' });
      return findings.some(({ rule }) => rule === 'compose/cap-drop');
    } finally {
      engine.close();
    }
  };
  assert.equal(await dropsNotAll([{ Name: 'Podman Engine' }, { Name: 'OCI Runtime (runc)' }]), false);
  assert.equal(await dropsNotAll([{ Name: 'Engine' }, { Name: 'containerd' }]), true);
  assert.equal(await dropsNotAll(null), true);
});
