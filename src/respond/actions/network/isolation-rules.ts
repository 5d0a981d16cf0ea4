// Firewall rules that cut a machine off: loopback, SSH and what is under way stay, the zones of its containers do not.
// Connections from before the kernel tracked any, with no firewall at all, count as new: of those only SSH goes on.
import { isIPv6 } from 'node:net';
import type { Deployment } from '../../../platform/documents/deployment.ts';

export interface Isolation {
  /** Of the deployment profile; nothing to or from them passes, not even what is under way. */
  zones: readonly string[];
  /** Where this machine's sshd listens. */
  sshPorts: readonly number[];
  /** Still reached from here, so that people can be told. */
  keep: readonly { address: string; port: number }[];
}

export const isolationTable = 'rempart_isolate';
/** An iptables chain's name has at most 28 characters. */
const chains = { input: 'REMPART_ISOLATE_IN', forward: 'REMPART_ISOLATE_FWD', output: 'REMPART_ISOLATE_OUT' } as const;
const hooks = { input: 'INPUT', forward: 'FORWARD', output: 'OUTPUT' } as const;
type Hook = keyof typeof hooks;

export function zonesOf(deployment: Deployment | undefined): string[] {
  return deployment === undefined ? [] : Object.values(deployment.zones).flatMap(({ cidr }) => cidr);
}

const is6 = (cidr: string) => isIPv6(cidr.split('/')[0] ?? '');

/** One transaction that may be loaded again and again: `nft -f -`. Removed by `nft delete table inet rempart_isolate`. */
export function nftIsolation({ zones, sshPorts, keep }: Isolation): string {
  const set = (name: string, type: string, all: readonly string[]) =>
    all.length === 0
      ? []
      : [`  set ${name} { type ${type}; flags interval; auto-merge; elements = { ${all.join(', ')} } }`];
  const [v4, v6] = [zones.filter((zone) => !is6(zone)), zones.filter(is6)];
  const fromZones = [...drop(v4, 'ip saddr @zones4'), ...drop(v6, 'ip6 saddr @zones6')];
  const toZones = [...drop(v4, 'ip daddr @zones4'), ...drop(v6, 'ip6 daddr @zones6')];
  return [
    // Made before it is deleted, so that both do not fail whether it is there or not.
    `table inet ${isolationTable}`,
    `delete table inet ${isolationTable}`,
    `table inet ${isolationTable} {`,
    ...set('zones4', 'ipv4_addr', v4),
    ...set('zones6', 'ipv6_addr', v6),
    '  chain input {',
    '    type filter hook input priority -10; policy drop;',
    '    iif "lo" accept',
    ...fromZones,
    '    ct state established,related accept',
    `    tcp dport { ${sshPorts.join(', ')} } accept`,
    '    icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept',
    '    udp sport 67 udp dport 68 accept',
    '  }',
    '  chain forward {',
    '    type filter hook forward priority -10; policy drop;',
    '  }',
    '  chain output {',
    '    type filter hook output priority -10; policy drop;',
    '    oif "lo" accept',
    ...toZones,
    '    ct state established,related accept',
    ...keep.map(
      ({ address, port }) => `    ${isIPv6(address) ? 'ip6' : 'ip'} daddr ${address} tcp dport ${port} accept`,
    ),
    '    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept',
    '    udp sport 68 udp dport 67 accept',
    '  }',
    '}',
    '',
  ].join('\n');
}

const drop = (zones: readonly string[], match: string) => (zones.length === 0 ? [] : [`    ${match} drop`]);

/** For `iptables-restore --noflush` (4) or `ip6tables-restore --noflush` (6); removed by `iptablesRemoval`. */
export function iptablesIsolation({ zones, sshPorts, keep }: Isolation, version: 4 | 6): string {
  const ours = zones.filter((zone) => is6(zone) === (version === 6));
  const rule = (hook: Hook, match: string, to: string) => `-A ${chains[hook]} ${match} -j ${to}`;
  const underWay = '-m conntrack --ctstate ESTABLISHED,RELATED';
  const neighbours = (types: readonly string[], hook: Hook) =>
    version === 6 ? types.map((type) => rule(hook, `-p icmpv6 --icmpv6-type ${type}`, 'ACCEPT')) : [];
  return [
    '*filter',
    ...Object.values(chains).map((chain) => `:${chain} - [0:0]`),
    rule('input', '-i lo', 'ACCEPT'),
    ...ours.map((zone) => rule('input', `-s ${zone}`, 'DROP')),
    rule('input', underWay, 'ACCEPT'),
    ...sshPorts.map((port) => rule('input', `-p tcp --dport ${port}`, 'ACCEPT')),
    ...neighbours(['router-advertisement', 'neighbour-solicitation', 'neighbour-advertisement'], 'input'),
    ...(version === 4 ? [rule('input', '-p udp --sport 67 --dport 68', 'ACCEPT')] : []),
    `-A ${chains.input} -j DROP`,
    `-A ${chains.forward} -j DROP`,
    rule('output', '-o lo', 'ACCEPT'),
    ...ours.map((zone) => rule('output', `-d ${zone}`, 'DROP')),
    rule('output', underWay, 'ACCEPT'),
    ...keep
      .filter(({ address }) => isIPv6(address) === (version === 6))
      .map(({ address, port }) => rule('output', `-d ${address} -p tcp --dport ${port}`, 'ACCEPT')),
    ...neighbours(['router-solicitation', 'neighbour-solicitation', 'neighbour-advertisement'], 'output'),
    ...(version === 4 ? [rule('output', '-p udp --sport 68 --dport 67', 'ACCEPT')] : []),
    `-A ${chains.output} -j DROP`,
    // Before all others: what Docker or a firewall's front end lets through is looked at after them.
    ...(Object.keys(hooks) as Hook[]).map((hook) => `-I ${hooks[hook]} 1 -j ${chains[hook]}`),
    'COMMIT',
    '',
  ].join('\n');
}

/** Arguments of iptables or ip6tables, one command after the other; each may fail when it was done already. */
export function iptablesRemoval(): string[][] {
  return (Object.keys(hooks) as Hook[]).flatMap((hook) => [
    ['-D', hooks[hook], '-j', chains[hook]],
    ['-F', chains[hook]],
    ['-X', chains[hook]],
  ]);
}

/** Succeeds when the rules are in force. */
export const iptablesLook: readonly string[] = ['-C', hooks.input, '-j', chains.input];
