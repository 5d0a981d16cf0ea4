// Who may speak to the admin API: no page of a browser (DNS rebinding, forged requests), whatever name it came by.
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether the Host header names this machine. A page of an attacker whose name was rebound to a loopback address still
 * sends its own name here. An IP address is no name, and is allowed when the API is offered beyond loopback.
 */
export function isOwnHost(header: string | undefined, bound: string): boolean {
  if (header === undefined) return false;
  const host = (/^\[([^\]]+)\](?::\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, '')).toLowerCase();
  if (host === 'localhost' || isLoopback(host) || host === bound.toLowerCase()) return true;
  return !isLoopback(bound) && (isIP(host) !== 0 || host === hostname().toLowerCase());
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

export function isBrowser(userAgent: string | undefined): boolean {
  return userAgent?.startsWith('Mozilla/') === true;
}
