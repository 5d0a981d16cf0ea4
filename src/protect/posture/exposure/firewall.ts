// The firewall that exists, read and asked: may this source reach this port. Whatever a reader cannot tell counts as not said.
import { liesIn } from './addresses.ts';

export interface FirewallRule {
  /** undefined: any. */
  ports: readonly [number, number][] | undefined;
  sources: readonly string[] | undefined;
  /** Only for what arrives on this interface. */
  interface: string | undefined;
  action: 'accept' | 'drop';
}

export interface Firewall {
  kind: 'nftables' | 'iptables' | 'netsh';
  /** Asked in turn; the worst answer of all chains counts, as the kernel's does. */
  chains: { rules: FirewallRule[]; policy: 'accept' | 'drop'; blockWins: boolean }[];
}

/** What a new connection from a source to a TCP port meets. */
export function decide({ chains }: Firewall, port: number, source: string): 'accept' | 'drop' {
  return chains.every((chain) => decideChain(chain, port, source) === 'accept') ? 'accept' : 'drop';
}

function decideChain({ rules, policy, blockWins }: Firewall['chains'][number], port: number, source: string) {
  const hits = rules.filter((rule) => {
    if (rule.interface !== undefined) return rule.interface === 'lo' && liesIn(source, ['127.0.0.0/8', '::1']);
    if (rule.ports !== undefined && !rule.ports.some(([from, to]) => port >= from && port <= to)) return false;
    return rule.sources === undefined || liesIn(source, rule.sources);
  });
  // Windows: a rule that blocks beats every rule that allows.
  if (blockWins && hits.some(({ action }) => action === 'drop')) return 'drop';
  return hits[0]?.action ?? policy;
}

/** Whether any rule of it speaks of the port by name. */
export function namesPort({ chains }: Firewall, port: number): boolean {
  return chains.some(({ rules }) => rules.some(({ ports }) => ports?.some(([from, to]) => port >= from && port <= to)));
}

/** Recorded or live output of any of the three, told by its form. */
export function readFirewall(text: string): Firewall | undefined {
  if (/^\s*\{\s*"nftables"/.test(text)) return readNft(text);
  if (/^(:INPUT|-P INPUT|-A INPUT)/m.test(text)) return readIptables(text);
  if (/netsh|^-{10,}$/m.test(text) && /LocalPort|Port local|Port\s+local|Direction|Action/i.test(text))
    return readNetsh(text);
  return undefined;
}

type NftObject = { rule?: NftRule; chain?: NftChain };
interface NftChain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}
interface NftRule {
  family: string;
  table: string;
  chain: string;
  expr: Record<string, unknown>[];
}

/** `nft -j list ruleset` (libnftables-json(5)): chains that hook input; a jump is followed once per rule. */
function readNft(text: string): Firewall {
  const { nftables } = JSON.parse(text) as { nftables: NftObject[] };
  const rules = nftables.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const inputs = nftables.flatMap(({ chain }) => (chain?.hook === 'input' ? [chain] : []));
  const of = ({ family, table, name }: NftChain, depth: number): FirewallRule[] =>
    rules
      .filter((rule) => rule.family === family && rule.table === table && rule.chain === name)
      .flatMap((rule) => nftRule(rule, (target) => (depth > 8 ? [] : of({ family, table, name: target }, depth + 1))));
  return {
    kind: 'nftables',
    chains: inputs.map((chain) => ({
      rules: of(chain, 0),
      policy: chain.policy === 'drop' ? 'drop' : 'accept',
      blockWins: false,
    })),
  };
}

interface NftMatch {
  op?: string;
  left?: { payload?: { protocol?: string; field?: string }; meta?: { key?: string }; ct?: object };
  right?: unknown;
}

function nftRule({ expr }: NftRule, follow: (chain: string) => FirewallRule[]): FirewallRule[] {
  let ports: [number, number][] | undefined;
  let sources: string[] | undefined;
  let device: string | undefined;
  for (const one of expr) {
    const match = one['match'] as NftMatch | undefined;
    if (match !== undefined) {
      const { payload, meta, ct } = match.left ?? {};
      // A connection that is already under way is not a new one, and what cannot be read decides nothing.
      if (ct !== undefined || (match.op !== '==' && match.op !== 'in')) return [];
      if (payload?.field === 'dport' && (payload.protocol === 'tcp' || payload.protocol === 'th'))
        ports = nftPorts(match.right);
      else if (payload?.field === 'dport') return [];
      else if (payload?.field === 'saddr') sources = nftSources(match.right);
      else if (meta?.key === 'iifname' || meta?.key === 'iif') device = String(match.right);
      else if (meta?.key !== 'l4proto' && meta?.key !== 'nfproto' && payload?.field !== 'protocol') return [];
      else if (meta?.key === 'l4proto' && match.right !== 'tcp' && match.right !== 6) return [];
    }
    const jump = (one['jump'] ?? one['goto']) as { target?: string } | undefined;
    if (jump?.target !== undefined) {
      return follow(jump.target).map((rule) => ({
        ports: ports === undefined ? rule.ports : (rule.ports ?? ports),
        sources: rule.sources ?? sources,
        interface: rule.interface ?? device,
        action: rule.action,
      }));
    }
    if ('accept' in one) return [{ ports, sources, interface: device, action: 'accept' }];
    if ('drop' in one || 'reject' in one) return [{ ports, sources, interface: device, action: 'drop' }];
  }
  return [];
}

function nftPorts(right: unknown): [number, number][] {
  if (typeof right === 'number') return [[right, right]];
  if (typeof right !== 'object' || right === null) return [];
  const { set, range } = right as { set?: unknown[]; range?: number[] };
  if (set !== undefined) return set.flatMap(nftPorts);
  return range === undefined ? [] : [[range[0] ?? 0, range[1] ?? 0]];
}

function nftSources(right: unknown): string[] {
  if (typeof right === 'string') return [right];
  if (typeof right !== 'object' || right === null) return [];
  const { set, prefix } = right as { set?: unknown[]; prefix?: { addr: string; len: number } };
  if (set !== undefined) return set.flatMap(nftSources);
  return prefix === undefined ? [] : [`${prefix.addr}/${prefix.len}`];
}

/** `iptables -S` or `iptables-save`: the filter table's INPUT chain and those it jumps to. */
function readIptables(text: string): Firewall {
  const lines = text.split('\n').map((line) => line.trim());
  const policy = lines.some((line) => /^(-P INPUT DROP|:INPUT DROP)/.test(line)) ? 'drop' : 'accept';
  const of = (chain: string, depth: number): FirewallRule[] =>
    lines
      .filter((line) => line.startsWith(`-A ${chain} `))
      .flatMap((line) => iptablesRule(line, (target) => (depth > 8 ? [] : of(target, depth + 1))));
  return { kind: 'iptables', chains: [{ rules: of('INPUT', 0), policy, blockWins: false }] };
}

function iptablesRule(line: string, follow: (chain: string) => FirewallRule[]): FirewallRule[] {
  const option = (name: string) => new RegExp(`(?:^|\\s)${name}\\s+(\\S+)`).exec(line)?.[1];
  if (/\s!\s/.test(line) || (option('-p') !== undefined && !/^(tcp|all|6)$/.test(option('-p') ?? ''))) return [];
  if (/--ctstate|--state/.test(line) && !/\bNEW\b/.test(line)) return [];
  const named = option('--dports') ?? option('--dport');
  const ports = named?.split(',').map((one): [number, number] => {
    const [from = 0, to = from] = one.split(':').map(Number);
    return [from, to];
  });
  const sources = option('-s')?.split(',');
  const target = option('-j') ?? option('-g') ?? '';
  const own = { ports, sources, interface: option('-i') };
  if (target === 'ACCEPT') return [{ ...own, action: 'accept' }];
  if (target === 'DROP' || target === 'REJECT') return [{ ...own, action: 'drop' }];
  return follow(target).map((rule) => ({
    ports: rule.ports ?? own.ports,
    sources: rule.sources ?? own.sources,
    interface: rule.interface ?? own.interface,
    action: rule.action,
  }));
}

/** `netsh advfirewall firewall show rule name=all`, in English or in French: inbound rules that are on. */
function readNetsh(text: string): Firewall {
  const blocks = text.split(/\r?\n\s*\r?\n/);
  const rules = blocks.flatMap((block): FirewallRule[] => {
    const field = (names: string) => new RegExp(`^\\s*(?:${names})\\s*:\\s*(.*?)\\s*$`, 'im').exec(block)?.[1];
    const action = field('Action');
    if (action === undefined || !/^(Yes|Oui)$/i.test(field('Enabled|Activée?') ?? 'Yes')) return [];
    if (!/^(In|Dans|Actif|Entrant)/i.test(field('Direction|Sens') ?? 'In')) return [];
    if (!/^(TCP|Any|Tout|6|N.importe lequel)/i.test(field('Protocol|Protocole') ?? 'Any')) return [];
    const local = field('LocalPort|Port local') ?? 'Any';
    const remote = field('RemoteIP|IP distante|Adresse IP distante') ?? 'Any';
    const ports = /^(Any|Tout|N.importe)/i.test(local) ? undefined : local.split(',').map(windowsPorts);
    const sources = /^(Any|Tout|N.importe)/i.test(remote) ? undefined : remote.split(',').map(windowsSource);
    const blocks_ = /^(Block|Bloquer)/i.test(action);
    return [{ ports, sources, interface: undefined, action: blocks_ ? 'drop' : 'accept' }];
  });
  return { kind: 'netsh', chains: [{ rules, policy: 'drop', blockWins: true }] };
}

function windowsPorts(text: string): [number, number] {
  const [from = 0, to = from] = text.trim().split('-').map(Number);
  return [from, to];
}

/** `172.20.0.0/255.255.0.0` is how netsh shows what was given as `/16`. */
function windowsSource(text: string): string {
  const [address = '', mask] = text.trim().split('/');
  if (/^LocalSubnet/i.test(address)) return '10.0.0.0/8';
  if (mask === undefined || !mask.includes('.')) return text.trim();
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).replace(/0/g, '').length)
    .reduce((sum, one) => sum + one, 0);
  return `${address}/${bits}`;
}
