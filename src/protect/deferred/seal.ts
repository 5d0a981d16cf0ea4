// Seals what waits in the store: AES-256-GCM under a key that is not in the store, so that a copy of the database alone tells nothing.
import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes } from 'node:crypto';
import type { Json } from '../../platform/base/json.ts';

export interface Seal {
  /** Tells keys apart and nothing about them. */
  keyId: string;
  /** `about` is what it belongs to: it opens nowhere else. */
  close(value: Json, about: string): string;
  /** Throws when it was not sealed here, belongs elsewhere or was changed. */
  open(sealed: string, about: string): Json;
  /** The same for the same text; tells nothing without the key. */
  digest(text: string): string;
}

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;

/** `key`: any secret of enough chance, at least 16 bytes. */
export function createSeal(key: Uint8Array): Seal {
  if (key.length < 16) throw new TypeError(`a key of ${key.length} bytes`);
  const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', `rempart deferred ${purpose}`, 32));
  const sealing = derived('seal');
  const digesting = derived('digest');
  return {
    keyId: hash('sha256', derived('id'), 'hex').slice(0, 16),
    close(value, about) {
      // 96 random bits are safe for 2^32 texts under one key (NIST SP 800-38D §8.3).
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(Buffer.from(about));
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(version), nonce, cipher.getAuthTag(), text]).toString('base64');
    },
    open(sealed, about) {
      const bytes = Buffer.from(sealed, 'base64');
      if (bytes[0] !== version) throw new TypeError('sealed in another way');
      const textAt = 1 + nonceBytes + tagBytes;
      const decipher = createDecipheriv('aes-256-gcm', sealing, bytes.subarray(1, 1 + nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(1 + nonceBytes, textAt));
      const text = Buffer.concat([decipher.update(bytes.subarray(textAt)), decipher.final()]);
      return JSON.parse(text.toString('utf8')) as Json;
    },
    digest: (text) => createHmac('sha256', digesting).update(text).digest('base64url'),
  };
}
