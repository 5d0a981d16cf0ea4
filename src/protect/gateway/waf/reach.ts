// Where the URLs in a text lead: to the world, or to what only this machine and its network can reach.
import { isIP } from 'node:net';
import { networks } from '../source-network.ts';
import type { PrivatePlaces } from './waf-rules.ts';

export type Reach = 'private' | 'metadata' | 'local';

/** Whether any URL in the text leads to such a place. */
export type LeadsTo = (text: string, reach: Reach) => boolean;

const longestUrl = 2_048;
const maxUrls = 50;

/** `allowed`: hosts that may be named although they are private. */
export function createLeadsTo(places: PrivatePlaces, allowed: readonly string[]): LeadsTo {
  const isPrivate = networks(places.networks);
  const metadata = new Set(places.metadata);
  const exempt = new Set(allowed.map((host) => host.toLowerCase()));
  const endsIn = (host: string, names: readonly string[]) =>
    names.some((name) => host === name || host.endsWith(`.${name}`));

  function leads(host: string, reach: Reach): boolean {
    if (exempt.has(host)) return false;
    const address = embedded(host);
    const isAddress = isIP(address) !== 0;
    if (metadata.has(host) || metadata.has(address)) return reach !== 'local';
    if (reach === 'metadata') return false;
    if (reach === 'private') return isAddress ? isPrivate(address) : endsIn(host, places.names);
    return !isAddress && (!host.includes('.') || endsIn(host, places.local)) && !endsIn(host, places.names);
  }
  return (text, reach) => hostsIn(text).some((host) => leads(host, reach));
}

/** Also `http:host` and `http:/host`, which a browser takes for `http://host`. */
const urls = /(?:(https?|wss?|ftp):[/\\]*|(?:[a-z][a-z0-9+.-]{0,15}:)?[/\\]{2,})([^\s"'<>]{1,2048})/gi;

/** The hosts of every URL in a text, read as a browser or a server would read them (WHATWG URL). */
function hostsIn(text: string): string[] {
  if (!/[/\\]{2}|https?:|wss?:|ftp:/.test(text)) return [];
  const found: string[] = [];
  // Tabs and line breaks inside a URL are passed over by who reads it.
  for (const [, scheme = 'http', rest = ''] of text.replaceAll(/[\t\r\n]/g, '').matchAll(urls)) {
    if (found.length >= maxUrls) break;
    const host = URL.parse(`${scheme}://${rest.slice(0, longestUrl)}`)?.hostname;
    if (host !== undefined) found.push(host.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, ''));
  }
  return found;
}

/** The IPv4 address that an IPv6 one carries (mapped, compatible, NAT64, 6to4); else the host itself. */
function embedded(host: string): string {
  if (!host.includes(':')) return host;
  const mapped =
    /^(?:::ffff:|::|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host) ??
    /^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4})(?::|$)/.exec(host);
  if (mapped === null) return host;
  const [high, low] = [mapped[1], mapped[2]].map((group) => Number.parseInt(group ?? '0', 16));
  return [high! >> 8, high! & 255, low! >> 8, low! & 255].join('.');
}
