// The machine's own firewall drops what goes to one address and port: nft or iptables, with a deadline that the kernel itself keeps.
import { spawnSync } from 'node:child_process';

export interface FirewallUndo {
  kind: 'firewall';
  tool: 'nft' | 'iptables';
  /** The table's name, or what marks the rule. */
  name: string;
  host: string;
  port: number;
  /** Until when the kernel drops. */
  until: string;
}

/** The tool that this machine has and lets us use; null when it has none. */
export function firewallTool(): FirewallUndo['tool'] | null {
  if (process.platform !== 'linux') return null;
  if (run('nft', ['list', 'tables']) !== null) return 'nft';
  return run('iptables', ['-w', '2', '-S', 'INPUT']) === null ? null : 'iptables';
}

/** True once packets to the address are dropped, those of open connections too. */
export function dropPackets(undo: FirewallUndo, leaseMs: number): boolean {
  if (undo.tool === 'iptables') return run('iptables', ['-w', '2', '-I', 'INPUT', ...iptablesRule(undo)]) !== null;
  const { name, host, port } = undo;
  const family = host.includes(':') ? 'ip6' : 'ip';
  const rules = [
    `add table inet ${name}`,
    `add set inet ${name} broken { type inet_service; flags timeout; }`,
    `add element inet ${name} broken { ${port} timeout ${Math.ceil(leaseMs / 1000)}s }`,
    `add chain inet ${name} gate { type filter hook input priority -10; }`,
    `add rule inet ${name} gate ${family} daddr ${host} tcp dport @broken drop`,
  ];
  return run('nft', ['-f', '-'], rules.join('\n')) !== null;
}

/** True when there was a rule to take away. Throws when it stays. */
export function restorePackets(undo: FirewallUndo): boolean {
  if (undo.tool === 'nft') {
    if (!isThere(undo)) return false;
    if (run('nft', ['delete', 'table', 'inet', undo.name]) === null) throw new Error('the table stays');
    return true;
  }
  let found = false;
  while (isThere(undo)) {
    if (run('iptables', ['-w', '2', '-D', 'INPUT', ...iptablesRule(undo)]) === null) throw new Error('the rule stays');
    found = true;
  }
  return found;
}

function isThere({ tool, name }: FirewallUndo): boolean {
  const listed = tool === 'nft' ? run('nft', ['list', 'tables']) : run('iptables', ['-w', '2', '-S', 'INPUT']);
  // Where the tool is gone or refuses, what it made cannot be judged: better told than passed over.
  if (listed === null) throw new Error(`${tool} cannot be asked`);
  return listed.includes(name);
}

/** `datestop` is in UTC and to the second. */
function iptablesRule({ name, host, port, until }: FirewallUndo): string[] {
  const to = ['-d', host, '-p', 'tcp', '--dport', String(port)];
  return [...to, '-m', 'time', '--datestop', until.slice(0, 19), '-m', 'comment', '--comment', name, '-j', 'DROP'];
}

/** What it printed; null when it failed or is not there. */
function run(tool: string, args: string[], input = ''): string | null {
  for (const program of [tool, `/usr/sbin/${tool}`]) {
    const { error, status, stdout } = spawnSync(program, args, { input, encoding: 'utf8', timeout: 5000 });
    if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') return status === 0 ? stdout : null;
  }
  return null;
}
