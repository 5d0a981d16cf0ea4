// Whom a journal record is about, without the name: a pseudonym under this installation's key, so that what cannot be erased names nobody.
import { createHmac, createSecretKey } from 'node:crypto';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Journal } from '../../platform/journal/journal.ts';

/** The same pseudonym for the same name, for as long as the key is the same. */
export type PseudonymOf = (subject: string) => string;

/** Names met lately: an HMAC for each record would cost more than the record. */
const maxKnown = 10_000;
const pattern = /^u-[0-9a-f]{20}$/;

export function isPseudonym(name: string): boolean {
  return pattern.test(name);
}

/** 80 bits of HMAC-SHA256: no two of a million names share one, and without the key no name can be tried. */
export function createPseudonyms(key: Uint8Array): PseudonymOf {
  const hmacKey = createSecretKey(key);
  const known = new Map<string, string>();
  return (subject) => {
    const met = known.get(subject);
    if (met !== undefined) return met;
    const made = `u-${createHmac('sha256', hmacKey).update(subject).digest('hex').slice(0, 20)}`;
    if (known.size >= maxKnown) known.clear();
    known.set(subject, made);
    return made;
  };
}

/** A journal that knows people by their pseudonyms only. What nobody in particular did keeps its words. */
export function pseudonymousJournal(journal: Journal, pseudonymOf: PseudonymOf): Journal {
  return { ...journal, append: (event, when) => journal.append(withoutNames(event, pseudonymOf), when) };
}

/** The event with a pseudonym wherever a subject's name stands. Copies what it changes: the event may be used again. */
export function withoutNames(event: JsonObject, pseudonymOf: PseudonymOf): JsonObject {
  const actor = event['actor'] as { user?: User } | undefined;
  const user = event['user'] as User | undefined;
  const unmapped = event['unmapped'] as JsonObject | undefined;
  let found = event;
  if (isPerson(actor?.user)) found = { ...found, actor: { ...actor, user: named(actor.user, pseudonymOf) } };
  if (isPerson(user)) found = { ...found, user: named(user, pseudonymOf) };
  const changed = unmapped === undefined ? undefined : unmappedOf(unmapped, pseudonymOf);
  return changed === undefined ? found : { ...found, unmapped: changed };
}

type User = JsonObject & { name?: string; uid?: string; credential_uid?: string };

/** Only who came with a credential is a subject: the owner of the data directory and a playbook are none, and neither is who failed. */
function isPerson(user: User | undefined): user is User & { name: string } {
  if (typeof user?.name !== 'string' || user.name === 'unknown') return false;
  return (user.uid ?? user.credential_uid) !== undefined;
}

function named(user: User & { name: string }, pseudonymOf: PseudonymOf): User {
  return { ...user, name: pseudonymOf(user.name) };
}

/** Where our own producers put a subject: beside a finding, in a change of keys or tokens. */
function unmappedOf(unmapped: JsonObject, pseudonymOf: PseudonymOf): JsonObject | undefined {
  let found: JsonObject | undefined;
  const { subject } = unmapped;
  if (typeof subject === 'string') found = { ...unmapped, subject: pseudonymOf(subject) };
  for (const part of ['key', 'token']) {
    const about = unmapped[part];
    if (typeof about !== 'object' || about === null || Array.isArray(about)) continue;
    if (typeof about['subject'] !== 'string') continue;
    found = { ...(found ?? unmapped), [part]: { ...about, subject: pseudonymOf(about['subject']) } };
  }
  return found;
}
