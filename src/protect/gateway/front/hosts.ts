// Under which names the data plane may be asked for: a page whose name was made to point here (DNS rebinding) still names itself in Host.
import { isIP } from 'node:net';

export type HostCheck = (header: string | undefined, localAddress: string | undefined) => boolean;

/** Names of this machine, the address that the connection came to, and those that are configured. */
export function createHostCheck(hosts: readonly string[]): HostCheck {
  const known = new Set(['localhost', '127.0.0.1', '::1', ...hosts.map((host) => plain(host))]);
  // A wildcard is an address to listen on, not one to be asked for at.
  for (const any of ['0.0.0.0', '::']) known.delete(any);
  // Nearly all requests name the same host, and a name that is known is so wherever the connection came to.
  let last: string | undefined;
  return (header, localAddress) => {
    if (header !== undefined && header === last) return true;
    const name = hostName(header);
    if (name === undefined) return false;
    if (known.has(name)) {
      last = header;
      return true;
    }
    if (name.endsWith('.localhost') || (isIP(name) === 4 && name.startsWith('127.'))) return true;
    return (
      isIP(name) !== 0 && localAddress !== undefined && name === plain(localAddress.replace(/^::ffff:(?=\d+\.)/, ''))
    );
  };
}

/** Without port, brackets and final dot, in small letters; undefined for what is no host. */
export function hostName(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 300) return undefined;
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header);
  return found === null ? undefined : plain(found[1] ?? '');
}

function plain(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}
