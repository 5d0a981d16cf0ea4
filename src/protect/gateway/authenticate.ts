// Who asks: the caller behind a request's API key.
import type { IncomingMessage } from 'node:http';
import type { Caller } from './ask.ts';
import type { KeyRecord, Keys } from './keys.ts';

export type Authentication =
  | { kind: 'known'; caller: Caller }
  | { kind: 'missing' }
  /** `credential` is the public id of a key that was known once. */
  | { kind: 'refused'; reason: 'unknown' | 'expired' | 'revoked'; credential?: string };

const longestKey = 512;

export function authenticate(req: IncomingMessage, keys: Keys): Authentication {
  const secret = presentedKey(req.headers.authorization);
  if (secret === undefined) return { kind: 'missing' };
  if (secret.length > longestKey) return { kind: 'refused', reason: 'unknown' };
  const found = keys.find(secret);
  switch (found.kind) {
    case 'accepted': {
      return { kind: 'known', caller: callerOfKey(found.record, sourceIp(req)) };
    }
    case 'unknown':
      return { kind: 'refused', reason: 'unknown' };
    case 'expired':
    case 'revoked':
      return { kind: 'refused', reason: found.kind, credential: found.id };
  }
}

/** Who comes with that key. */
export function callerOfKey({ subject, role, id, scopes }: KeyRecord, address: string): Caller {
  return { subject, role, credential: id, sourceIp: address, ...(scopes === undefined ? {} : { scopes }) };
}

/** RFC 6750 §2.1; the scheme's case does not matter. */
function presentedKey(header: string | undefined): string | undefined {
  if (header === undefined || header.length < 8 || header.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  return header.slice(7).trim() || undefined;
}

/** The peer's address: no header of the client's is believed. */
export function sourceIp(req: IncomingMessage): string {
  const address = req.socket.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
