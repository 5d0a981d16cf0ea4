// The addresses that mean this machine to the zones of a deployment, seen from the host itself or from a container on it.
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/**
 * On the host its own, the bridges' among them. In a container the gateways of its routes, the names given to the host, and
 * the first address of a network, which engines give to a bridge and never to a container (an engine inside a container).
 */
export function hostAddresses(root = '/'): string[] {
  const own = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  if (!isContainer(root)) return own.map(({ address }) => address);
  const bridges = own.filter(({ address, cidr }) => address === firstOf(cidr)).map(({ address }) => address);
  return [...readGateways(read(`${root}proc/net/route`)), ...readHostNames(read(`${root}etc/hosts`)), ...bridges];
}

/** 172.20.0.0/16 → 172.20.0.1; IPv4 only. */
function firstOf(cidr: string | null): string | undefined {
  const [, address = '', length = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr ?? '') ?? [];
  if (address === '') return undefined;
  const size = 2 ** (32 - Number(length));
  const number = Buffer.from(address.split('.').map(Number)).readUInt32BE();
  const first = Buffer.alloc(4);
  first.writeUInt32BE(number - (number % size) + (size > 1 ? 1 : 0));
  return first.join('.');
}

/** Both engines leave a file at the root. */
function isContainer(root: string): boolean {
  return existsSync(`${root}.dockerenv`) || existsSync(`${root}run/.containerenv`);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** proc(5), /proc/net/route: the third column, hexadecimal in the byte order of the machine. */
export function readGateways(text: string): string[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, , hex = ''] = line.trim().split(/\s+/);
      if (!/^[0-9A-F]{8}$/i.test(hex) || /^0+$/.test(hex)) return [];
      return [Buffer.from(hex, 'hex').reverse().join('.')];
    });
}

function readHostNames(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return names.some((name) => /^host\.(docker|containers)\.internal$/.test(name)) ? [address] : [];
  });
}
