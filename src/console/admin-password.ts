// The admin password: made once at the first start, kept as an scrypt hash in a file, so that logging in needs no store.
import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);
/** OWASP Password Storage Cheat Sheet: N = 2^16, r = 8, p = 1 (64 MiB). */
const cost = { N: 65_536, r: 8, p: 1, maxmem: 128 * 1024 * 1024 };
const letters = 'abcdefghjkmnpqrstuvwxyz23456789';

export interface AdminPassword {
  /** The password in clear, only when it was made just now. */
  readonly fresh?: string;
  /** Writes a fresh one to disk: only once it is sure to be shown, or a start that fails would lose it for good. */
  keep(): void;
  check(password: string): Promise<boolean>;
}

interface Stored {
  salt: string;
  hash: string;
}

export async function openAdminPassword(data: string): Promise<AdminPassword> {
  const file = join(data, 'admin-password.json');
  const made = existsSync(file) ? undefined : await create();
  const { salt, hash } = made?.stored ?? (JSON.parse(readFileSync(file, 'utf8')) as Stored);
  const known = Buffer.from(hash, 'base64url');
  return {
    ...(made === undefined ? {} : { fresh: made.password }),
    keep() {
      if (made === undefined) return;
      writeFileSync(`${file}.new`, JSON.stringify(made.stored), { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
    },
    async check(password) {
      const given = await derive(password.normalize('NFKC'), Buffer.from(salt, 'base64url'), known.length, cost);
      return timingSafeEqual(given, known);
    },
  };
}

async function create(): Promise<{ password: string; stored: Stored }> {
  // Four groups of five letters that are hard to mistake for one another: 99 bits.
  const group = () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
  const password = Array.from({ length: 4 }, group).join('-');
  const salt = randomBytes(16);
  const hash = await derive(password, salt, 32, cost);
  const stored = { kind: 'scrypt', ...cost, salt: salt.toString('base64url'), hash: hash.toString('base64url') };
  return { password, stored };
}
