// Where a request comes from: the peer's address, or what a trusted proxy says of it; and what stands for one source where failures are counted.
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { notesOf } from './request-notes.ts';

/** An IPv4 address, or the /64 that one IPv6 subscriber holds. */
export function sourceNetwork(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':') || !isIPv6(plain)) return plain;
  const [head = '', tail = ''] = plain.replace(/%.*$/, '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = plain.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0;
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** An IPv4 address in an IPv6 one is the IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** Where the request comes from: no header of a client's is believed, only those of proxies that the configuration trusts. */
export function sourceAddress(req: IncomingMessage): string {
  return notesOf(req).source ?? peerAddress(req);
}

export function peerAddress(req: IncomingMessage): string {
  return plainAddress(req.socket.remoteAddress ?? '');
}

export interface ProxySettings {
  /** Addresses and networks in CIDR form of the proxies in front. */
  trustedProxies: readonly string[];
  /** The header that they write; the other one is never read. */
  forwardedHeader: 'x-forwarded-for' | 'forwarded';
}

/** Hops looked at: a header of thousands of addresses is no work. */
const maxHops = 32;

/** From then on `sourceAddress` knows where each request that was told came from. */
export function createSourceTeller({ trustedProxies, forwardedHeader }: ProxySettings): (req: IncomingMessage) => void {
  if (trustedProxies.length === 0) return () => {};
  const trusted = networks(trustedProxies);
  return (req) => {
    const peer = peerAddress(req);
    if (!trusted(peer)) return;
    const header = req.headers[forwardedHeader];
    const hops = forwardedHeader === 'forwarded' ? forwardedFor(header) : listed(header);
    // Each proxy appends whom it saw, so what stands furthest right was written nearest to us.
    let source = peer;
    for (const hop of hops.slice(-maxHops).reverse()) {
      const address = hopAddress(hop);
      if (address === undefined) break;
      source = address;
      if (!trusted(address)) break;
    }
    notesOf(req).source = source;
  };
}

/** Whether an address lies in one of the networks; a text that is no address lies in none. */
export function networks(list: readonly string[]): (address: string) => boolean {
  const block = new BlockList();
  for (const entry of list) {
    const [address = '', bits] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) block.addAddress(address, family);
    else block.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && block.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** An address, or a network such as 10.0.0.0/8. */
export function isNetwork(entry: string): boolean {
  const [address = '', bits, ...more] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}

function listed(header: string | string[] | undefined): string[] {
  return header === undefined ? [] : [header].flat().join(',').split(',');
}

/** The `for` of each element (RFC 7239 §4). One that cannot be read ends the way: it stays in the list as no address. */
function forwardedFor(header: string | string[] | undefined): string[] {
  return listed(header).map((element) => {
    const pair = element.split(';').find((part) => /^\s*for\s*=/i.test(part)) ?? '';
    return pair
      .slice(pair.indexOf('=') + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
  });
}

/** Without port and brackets; undefined for `unknown`, a made-up name, or nonsense. */
function hopAddress(hop: string): string | undefined {
  const text = hop.trim();
  const bare = /^\[([^\]]*)\](:\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  return isIP(bare) === 0 ? undefined : plainAddress(bare.toLowerCase());
}
