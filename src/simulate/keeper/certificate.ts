// An authority of one run and its certificates: X.509 v3 with ECDSA keys, written in DER by hand, since node:crypto signs but issues none.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

export interface Authority {
  /** What a target must trust, as PEM. */
  certificate: string;
  /** Key and certificate for a host, made once. */
  leafFor(host: string): { key: string; cert: string };
}

const day = 86_400_000;

/** Lives in memory only, for a few days at most: nobody can use it once the run is over. */
export function createAuthority(now: number): Authority {
  const keys = newKeys();
  const name = distinguishedName('Rempart fault proxy of one run');
  const own = { name, keys };
  const der = certificate({
    subject: name,
    publicKey: keys.publicKey,
    issuer: own,
    now,
    extensions: caExtensions(keys.publicKey),
  });
  const leaves = new Map<string, { key: string; cert: string }>();
  return {
    certificate: pem(der),
    leafFor(host) {
      const known = leaves.get(host);
      if (known !== undefined) return known;
      const { privateKey, publicKey } = newKeys();
      const subject = distinguishedName(host.slice(0, 64));
      const extensions = leafExtensions(host, publicKey, keys.publicKey);
      const leaf = certificate({ subject, publicKey, issuer: own, now, extensions });
      const made = { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem(leaf) };
      leaves.set(host, made);
      return made;
    },
  };
}

type Keys = { privateKey: KeyObject; publicKey: KeyObject };

function newKeys(): Keys {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

interface Contents {
  subject: Buffer;
  publicKey: KeyObject;
  issuer: { name: Buffer; keys: Keys };
  now: number;
  extensions: Buffer[];
}

/** RFC 5280 §4.1. */
function certificate({ subject, publicKey, issuer, now, extensions }: Contents): Buffer {
  const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'));
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40; // positive, and never shortened
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))), // version 3
    integer(serial),
    ecdsaWithSha256,
    issuer.name,
    sequence(time(now - day), time(now + 3 * day)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuer.keys.privateKey);
  return sequence(body, ecdsaWithSha256, bitString(signature));
}

function caExtensions(key: KeyObject): Buffer[] {
  return [
    extension('2.5.29.19', true, sequence(boolean(true), integer(Buffer.of(0)))), // basicConstraints: an authority, no other below it
    extension('2.5.29.15', true, tagged(0x03, Buffer.of(1, 0b0000_0110))), // keyUsage: signs certificates and their revocation
    extension('2.5.29.14', false, tagged(0x04, keyId(key))),
  ];
}

function leafExtensions(host: string, key: KeyObject, issuerKey: KeyObject): Buffer[] {
  const name = isIP(host) === 0 ? tagged(0x82, Buffer.from(host, 'ascii')) : tagged(0x87, addressBytes(host));
  return [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, tagged(0x03, Buffer.of(7, 0b1000_0000))), // keyUsage: digital signature
    extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'))), // for servers
    extension('2.5.29.17', false, sequence(name)),
    extension('2.5.29.14', false, tagged(0x04, keyId(key))),
    extension('2.5.29.35', false, sequence(tagged(0x80, keyId(issuerKey)))),
  ];
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

// DER: a tag, a length, the contents (X.690).

function tagged(tag: number, contents: Buffer): Buffer {
  const { length } = contents;
  if (length < 128) return Buffer.concat([Buffer.of(tag, length), contents]);
  const bytes = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...bytes), contents]);
}

const sequence = (...parts: Buffer[]) => tagged(0x30, Buffer.concat(parts));
const integer = (bytes: Buffer) => tagged(0x02, bytes);
const boolean = (value: boolean) => tagged(0x01, Buffer.of(value ? 0xff : 0));
const bitString = (bytes: Buffer) => tagged(0x03, Buffer.concat([Buffer.of(0), bytes]));

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), tagged(0x04, value));
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = rest.flatMap((arc) => {
    const groups = [arc & 127];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128);
    return groups;
  });
  return tagged(0x06, Buffer.of(first * 40 + second, ...bytes));
}

/** One common name, as UTF8String. */
function distinguishedName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId('2.5.4.3'), tagged(0x0c, Buffer.from(name, 'utf8')))));
}

/** UTCTime, whose two digits of the year are right until 2049. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\D/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`, 'ascii'));
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
