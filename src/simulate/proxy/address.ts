// Addresses as Go's net package reads and complains about them: where a proxy listens, and what lies upstream.
import { lookup } from 'node:dns/promises';
import { isIP, type Server } from 'node:net';
import { Refusal } from './refusal.ts';

export interface Address {
  /** An IP address; '' listens everywhere. */
  host: string;
  port: number;
}

/** Go's SplitHostPort, then a look-up that prefers IPv4. Throws a Refusal (500). */
export async function resolveListen(listen: string): Promise<Address> {
  const { host, port } = splitHostPort(listen === '' ? ':0' : listen);
  if (host === '' || isIP(host) !== 0) return { host, port };
  try {
    const found = await lookup(host, { all: true });
    const address = found.find(({ family }) => family === 4) ?? found[0];
    if (address !== undefined) return { host: address.address, port };
  } catch {
    // Said below in one way, whatever the resolver's reason.
  }
  throw new Refusal(500, `listen tcp: lookup ${host}: no such host`);
}

function splitHostPort(text: string): Address {
  const fail = (what: string) => new Refusal(500, `listen tcp: ${what}`);
  const bracketed = /^\[([^\]]*)\]:([^:]*)$/.exec(text);
  const plain = /^([^:[\]]*):([^:]*)$/.exec(text);
  const found = bracketed ?? plain;
  if (found === null) {
    const noPort = /^\[[^\]]*\]$/.test(text) || !text.includes(':');
    throw fail(`address ${text}: ${noPort ? 'missing port in address' : 'too many colons in address'}`);
  }
  const [, host = '', portText = ''] = found;
  if (portText !== '' && !/^\d+$/.test(portText)) throw fail(`lookup tcp/${portText}: unknown port`);
  if (Number(portText) > 65_535) throw fail(`address ${portText}: invalid port`);
  return { host, port: Number(portText) };
}

export function formatAddress({ host, port }: Address): string {
  const shown = host === '' ? '::' : host;
  return shown.includes(':') ? `[${shown}]:${port}` : `${shown}:${port}`;
}

const bindErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
};

/** Listens, and answers the address with its actual port. Throws a Refusal (500). */
export async function listenOn(server: Server, address: Address): Promise<Address> {
  try {
    await tryListen(server, address.host === '' ? '::' : address.host, address.port);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (address.host !== '' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw bindRefusal(address, code);
    // A machine without IPv6 listens everywhere on IPv4.
    await tryListen(server, '0.0.0.0', address.port).catch((again: NodeJS.ErrnoException) => {
      throw bindRefusal(address, again.code ?? '');
    });
  }
  const bound = server.address() as { address: string; port: number };
  return { host: bound.address, port: bound.port };
}

function bindRefusal(address: Address, code: string): Refusal {
  const where = address.host === '' ? `:${address.port}` : formatAddress(address);
  return new Refusal(500, `listen tcp ${where}: bind: ${bindErrors[code] ?? code}`);
}

async function tryListen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

export interface Upstream {
  host: string;
  port: number;
  tls: boolean;
}

/** `host:port` as Toxiproxy has it, or a base address with http:// or https://. Null when it cannot be dialled. */
export function parseUpstream(upstream: string): Upstream | null {
  const found = /^(?:(https?):\/\/)?(?:\[([^\]]+)\]|([^:/[\]]*))(?::(\d{1,5}))?\/?$/.exec(upstream);
  if (found === null) return null;
  const [, scheme, v6, name = '', portText] = found;
  const port = Number(portText ?? (scheme === 'https' ? 443 : scheme === 'http' ? 80 : Number.NaN));
  if (!(port >= 0 && port <= 65_535)) return null;
  return { host: (v6 ?? name) || '127.0.0.1', port, tls: scheme === 'https' };
}
