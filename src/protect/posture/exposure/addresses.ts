// Addresses: what is loopback, what is everywhere, what lies in a network.
import { BlockList, isIP } from 'node:net';

export function isLoopbackAddress(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return plain === '::1' || /^127\./.test(plain);
}

export function isEveryAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::' || address === '*';
}

/** Whether an address lies in one of the networks, each `a.b.c.d/n`, `x::/n` or an address alone. */
export function liesIn(address: string, networks: readonly string[]): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  const family = isIP(plain);
  if (family === 0) return false;
  const list = new BlockList();
  for (const network of networks) {
    const [base = '', bits] = network.split('/');
    const kind = isIP(base);
    if (kind === 0 || kind !== family) continue;
    const name = kind === 4 ? 'ipv4' : 'ipv6';
    const width = bits === undefined ? (kind === 4 ? 32 : 128) : Number(bits);
    if (Number.isInteger(width) && width >= 0 && width <= (kind === 4 ? 32 : 128)) list.addSubnet(base, width, name);
  }
  return list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}
