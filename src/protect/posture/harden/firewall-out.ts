// Firewall rules for the machine that holds the model: its port for 127.0.0.1 and the private zone, for nobody else.
import type { Deployment } from '../../../platform/documents/deployment.ts';

export interface ModelDoor {
  port: number;
  /** The private zone, IPv4 and IPv6 apart. */
  v4: readonly string[];
  v6: readonly string[];
}

export function modelDoor({ models, zones }: Deployment): ModelDoor {
  const cidr = zones.private.cidr;
  return {
    port: models[0]?.port ?? 11434,
    v4: cidr.filter((one) => !one.includes(':')),
    v6: cidr.filter((one) => one.includes(':')),
  };
}

/** A table of its own: it adds to whatever the machine has, and goes with one command. */
export function nftRules({ port, v4, v6 }: ModelDoor): string {
  const zone = (family: string, some: readonly string[]) =>
    some.length === 0 ? [] : [`    tcp dport ${port} ${family} saddr { ${some.join(', ')} } accept`];
  return [
    '#!/usr/sbin/nft -f',
    `# The model's port ${port}: this machine and the private zone only. Load: nft -f model.nft. Remove: nft delete table inet rempart_model`,
    'table inet rempart_model',
    'delete table inet rempart_model',
    'table inet rempart_model {',
    '  chain input {',
    '    type filter hook input priority -10; policy accept;',
    `    iifname "lo" tcp dport ${port} accept`,
    ...zone('ip', v4),
    ...zone('ip6', v6),
    `    tcp dport ${port} drop`,
    '  }',
    '  # Docker sends published ports through the forward hook, past the input chain.',
    '  chain forward {',
    '    type filter hook forward priority -10; policy accept;',
    ...zone('ip', v4),
    ...zone('ip6', v6),
    `    tcp dport ${port} drop`,
    '  }',
    '}',
    '',
  ].join('\n');
}

export function iptablesRules({ port, v4, v6 }: ModelDoor): string {
  const family = (command: string, own: string, zones: readonly string[]) => [
    `${command} -N REMPART_MODEL 2>/dev/null || ${command} -F REMPART_MODEL`,
    `${command} -A REMPART_MODEL -s ${own} -j ACCEPT`,
    ...zones.map((zone) => `${command} -A REMPART_MODEL -s ${zone} -j ACCEPT`),
    `${command} -A REMPART_MODEL -j DROP`,
    ...['INPUT', 'FORWARD'].map(
      (chain) =>
        `${command} -C ${chain} -p tcp --dport ${port} -j REMPART_MODEL 2>/dev/null || ${command} -I ${chain} 1 -p tcp --dport ${port} -j REMPART_MODEL`,
    ),
  ];
  return [
    '#!/bin/sh',
    `# The model's port ${port}: this machine and the private zone only, where nftables is not used directly.`,
    '# Remove: iptables -D INPUT -p tcp --dport PORT -j REMPART_MODEL, the same for FORWARD, then -F and -X REMPART_MODEL.',
    'set -eu',
    ...family('iptables', '127.0.0.0/8', v4),
    ...family('ip6tables', '::1/128', v6),
    '',
  ].join('\n');
}

/** Windows blocks what no rule allows, and a block rule would beat the allow rule: so one allow rule, and blocking as the default. */
export function netshRules({ port, v4, v6 }: ModelDoor): string {
  const name = `Rempart model ${port}`;
  const allowed = ['127.0.0.1', '::1', ...v4, ...v6].join(',');
  return [
    '@echo off',
    `rem The model's port ${port}: this machine and the private zone only. Run as administrator.`,
    `rem Rules that were there for Ollama allow everybody: they are removed first.`,
    'netsh advfirewall firewall delete rule name="ollama.exe" >nul 2>&1',
    'netsh advfirewall firewall delete rule name="Ollama" >nul 2>&1',
    `netsh advfirewall firewall delete rule name="${name}" >nul 2>&1`,
    `netsh advfirewall firewall add rule name="${name}" dir=in action=allow protocol=TCP localport=${port} remoteip=${allowed} profile=any`,
    'netsh advfirewall set allprofiles firewallpolicy blockinbound,allowoutbound',
    '',
  ].join('\r\n');
}
