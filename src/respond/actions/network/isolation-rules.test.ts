import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentSchema } from '../../../platform/documents/deployment.ts';
import { type Isolation, iptablesIsolation, iptablesRemoval, nftIsolation, zonesOf } from './isolation-rules.ts';

const isolation: Isolation = {
  zones: ['172.20.0.0/16', 'fd00:20::/64'],
  sshPorts: [22, 2222],
  keep: [
    { address: '10.0.0.25', port: 587 },
    { address: '2001:db8::25', port: 587 },
  ],
};
const chain = (text: string, name: string) =>
  new RegExp(`chain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*)\\n  \\}`).exec(text)?.[1] ?? '';

test('zonesOf() takes every network of the profile, and none without one', () => {
  const deployment = deploymentSchema.parse({
    name: 'shop',
    services: [{ name: 'core', role: 'core', order: 1 }],
    zones: { dmz: { cidr: ['10.1.0.0/16', 'fd00:1::/64'], internal: false } },
  });
  assert.deepEqual(zonesOf(deployment), [
    '172.18.0.0/16',
    '10.1.0.0/16',
    'fd00:1::/64',
    '172.20.0.0/16',
    '172.21.0.0/16',
  ]);
  assert.deepEqual(zonesOf(undefined), []);
});

test('nftIsolation() drops the zones of both IP versions before it looks at what is under way', () => {
  const input = chain(nftIsolation(isolation), 'input')
    .split('\n')
    .map((line) => line.trim());
  const order = [
    'iif "lo" accept',
    'ip saddr @zones4 drop',
    'ip6 saddr @zones6 drop',
    'ct state established,related accept',
  ];
  assert.deepEqual(
    order.map((line) => input.indexOf(line)),
    [1, 2, 3, 4],
  );
  assert.ok(input.includes('tcp dport { 22, 2222 } accept'));
  assert.match(input[0] ?? '', /policy drop/);
});

test('nftIsolation() forwards nothing, and lets out only what is kept', () => {
  const text = nftIsolation(isolation);
  assert.doesNotMatch(chain(text, 'forward'), /accept/);
  assert.match(chain(text, 'output'), /ip daddr 10\.0\.0\.25 tcp dport 587 accept/);
  assert.match(chain(text, 'output'), /ip6 daddr 2001:db8::25 tcp dport 587 accept/);
  assert.doesNotMatch(chain(text, 'output'), /dport \{/);
});

test('nftIsolation() is whole without a zone', () => {
  assert.doesNotMatch(nftIsolation({ ...isolation, zones: [] }), /zones[46]/);
});

for (const [version, own, other] of [
  [4, '172.20.0.0/16', 'fd00:20::/64'],
  [6, 'fd00:20::/64', '172.20.0.0/16'],
] as const)
  test(`iptablesIsolation() has for IPv${version} its own zones and addresses only`, () => {
    const text = iptablesIsolation(isolation, version);
    assert.ok(text.includes(`-A REMPART_ISOLATE_IN -s ${own} -j DROP`));
    assert.ok(text.includes(`-A REMPART_ISOLATE_OUT -d ${own} -j DROP`));
    assert.ok(!text.includes(other));
    assert.ok(text.includes(`-d ${version === 4 ? '10.0.0.25' : '2001:db8::25'} -p tcp --dport 587 -j ACCEPT`));
    for (const port of [22, 2222]) assert.ok(text.includes(`-A REMPART_ISOLATE_IN -p tcp --dport ${port} -j ACCEPT`));
    for (const name of text.matchAll(/REMPART_\w+/g)) assert.ok(name[0].length <= 28);
  });

test('iptablesRemoval() takes out every chain that was made', () => {
  const made = [...iptablesIsolation(isolation, 4).matchAll(/^:(\S+)/gm)].map((match) => match[1]);
  const gone = iptablesRemoval()
    .filter(([what]) => what === '-X')
    .map(([, name]) => name);
  assert.deepEqual(gone, made);
});
