// The kernel's tables of TCP sockets: who listens where, who is connected to whom.
import { readFileSync } from 'node:fs';

export interface Socket {
  state: 'listen' | 'established' | 'other';
  local: { address: string; port: number };
  remote: { address: string; port: number };
  inode: number;
}

/** proc(5), /proc/net/tcp and tcp6: addresses as hexadecimal words in the byte order of the machine. */
export function readSocketTable(text: string): Socket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = '0'] = line.trim().split(/\s+/);
      const [from, to] = [endOf(local), endOf(remote)];
      if (from === undefined || to === undefined) return [];
      return [{ state: states[state] ?? 'other', local: from, remote: to, inode: Number(inode) }];
    });
}

const states: Readonly<Record<string, Socket['state']>> = { '0A': 'listen', '01': 'established' };

function endOf(text: string): { address: string; port: number } | undefined {
  const [, hex = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/i.exec(text) ?? [];
  if (hex === '') return undefined;
  const words = (hex.match(/.{8}/g) ?? []).map((word) => (word.match(/../g) ?? []).reverse().join(''));
  const bytes = Buffer.from(words.join(''), 'hex');
  return { address: bytes.length === 4 ? bytes.join('.') : ipv6(bytes), port: Number.parseInt(port, 16) };
}

/** RFC 5952, with IPv4-mapped addresses as people write them. */
function ipv6(bytes: Buffer): string {
  if (bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** The tables of this machine, or of another network namespace's `net` folder; undefined where the system has none. */
export function socketsHere(folder = '/proc/net'): Socket[] | undefined {
  const tables = ['tcp', 'tcp6'].flatMap((name) => {
    try {
      return [readFileSync(`${folder}/${name}`, 'latin1')];
    } catch {
      return [];
    }
  });
  return tables.length === 0 ? undefined : tables.flatMap(readSocketTable);
}
