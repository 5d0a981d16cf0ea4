// The rights of the people who use this installation: a copy of what is kept of them, and its erasure, journalled without their name.
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { ErasureDocument, PrivacyExport, Remaining } from '../../platform/documents/privacy.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { apiActivity } from '../../platform/journal/ocsf.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Book } from '../chatbot/book.ts';
import type { KeyRecord, Keys } from '../gateway/keys.ts';
import type { Holding } from './holding.ts';
import type { PseudonymOf } from './pseudonym.ts';
import {
  conversationsOf,
  countOf,
  eraseOf,
  incidentsNaming,
  ownerOf,
  settingsOf,
  wipeTraces,
} from './subject-records.ts';

export interface PrivacyParts {
  now: () => number;
  store: Pick<Store, 'db' | 'kind'>;
  book: Pick<Book, 'forget'>;
  keys: Pick<Keys, 'list' | 'revoke' | 'refresh'>;
  /** Ends the sessions of a subject; returns how many. */
  endSessions: (subject: string) => number;
  holdings: readonly Holding[];
  journal: Pick<Journal, 'append'>;
  pseudonymOf: PseudonymOf;
  /** What is elsewhere, from the configuration: the names of sinks and providers, subjects of configured keys. */
  elsewhere: () => Elsewhere;
}

export interface Elsewhere {
  sinks: readonly string[];
  providers: readonly string[];
  /** Subjects whose key stands in the configuration. */
  configured: readonly string[];
  journal: 'pseudonyms' | 'names';
}

/** Who asks: for the record of it. */
export interface Asker {
  subject: string;
  credential?: string;
  sourceIp: string;
}

export interface Erasure {
  subject?: string;
  conversation?: string;
  /** Their keys are revoked and lose the name. */
  withKeys?: boolean;
  /** Only says what it would take away. */
  dryRun?: boolean;
}

export interface Privacy {
  /** Everything of a subject, or one conversation. Throws ERR_CONVERSATION_UNKNOWN, ERR_STORE_AWAY. */
  export(what: Pick<Erasure, 'subject' | 'conversation'>, by: Asker): Promise<PrivacyExport>;
  /** Throws ERR_CONVERSATION_UNKNOWN, ERR_STORE_AWAY, ERR_JOURNAL_UNWRITABLE (then nothing is erased). */
  erase(what: Erasure, by: Asker): Promise<ErasureDocument>;
  pseudonymOf: PseudonymOf;
}

interface Target {
  subject: string;
  conversation?: string;
}

export function createPrivacy(parts: PrivacyParts): Privacy {
  const { now, store, book, keys, holdings, journal, pseudonymOf } = parts;
  const keysOf = (subject: string) => keys.list().filter((key) => key.subject === subject);

  async function targetOf({ subject, conversation }: Erasure): Promise<Target> {
    if (conversation === undefined) return { subject: subject ?? '' };
    const owner = await ownerOf(store.db, conversation);
    if (owner === undefined || (subject !== undefined && owner !== subject))
      throw new RempartError('ERR_CONVERSATION_UNKNOWN');
    return { subject: owner, conversation };
  }

  async function record(by: Asker, phase: string, { subject, conversation }: Target, facts: JsonObject) {
    await journal.append(
      apiActivity({
        time: now(),
        activity: phase === 'exported' ? 'read' : 'delete',
        operation: phase === 'exported' ? 'privacy export' : 'privacy erase',
        actor: { subject: by.subject, ...(by.credential === undefined ? {} : { credential: by.credential }) },
        sourceIp: by.sourceIp,
        status: 'success',
        unmapped: {
          phase,
          privacy: {
            subject: pseudonymOf(subject),
            // Its id is the client's to choose, so it could be a name.
            ...(conversation === undefined ? {} : { conversation: pseudonymOf(`conversation ${conversation}`) }),
            ...facts,
          },
        },
      }),
    );
  }

  async function remains({ subject, conversation }: Target, withKeys: boolean): Promise<Remaining[]> {
    const { sinks, providers, configured, journal: namedBy } = parts.elsewhere();
    const named = conversation === undefined && !withKeys ? keysOf(subject).length : 0;
    const incidents = conversation === undefined ? await incidentsNaming(store.db, [subject, pseudonymOf(subject)]) : 0;
    const isConfigured = conversation === undefined && configured.includes(subject);
    return [
      { what: namedBy === 'names' ? 'journal-names' : 'journal', about: [pseudonymOf(subject)] },
      ...(sinks.length === 0 ? [] : [{ what: 'sinks' as const, about: [...sinks] }]),
      ...(providers.length === 0 ? [] : [{ what: 'providers' as const, about: [...providers] }]),
      ...(named === 0 ? [] : [{ what: 'keys' as const, about: keysOf(subject).map(({ id }) => id) }]),
      ...(isConfigured ? [{ what: 'configured-key' as const, about: [] }] : []),
      ...(incidents === 0 ? [] : [{ what: 'incidents' as const, about: [String(incidents)] }]),
      { what: 'backups', about: [] },
      ...(store.kind === 'postgres' ? [{ what: 'database-pages' as const, about: [] }] : []),
    ];
  }

  async function fromHoldings({ subject, conversation }: Target, how: 'count' | 'erase') {
    const entries: [string, number][] = [];
    for (const holding of holdings) entries.push([holding.name, await holding[how](subject, conversation)]);
    return Object.fromEntries(entries);
  }

  async function withoutKeys(subject: string): Promise<{ keys: number; sessions: number }> {
    const own = keysOf(subject);
    for (const { id, revokedAt } of own) if (revokedAt === undefined) await keys.revoke(id);
    await store.db
      .updateTable('api_keys')
      .set({ subject: pseudonymOf(subject) })
      .where('subject', '=', subject)
      .execute();
    await keys.refresh();
    return { keys: own.length, sessions: parts.endSessions(subject) };
  }

  return {
    pseudonymOf,
    async export(what, by) {
      const target = await targetOf(what);
      const { subject, conversation } = target;
      const isWhole = conversation === undefined;
      const conversations = (await conversationsOf(store.db, subject)).filter(
        ({ id }) => isWhole || id === conversation,
      );
      const settings = isWhole ? await settingsOf(store.db, subject) : {};
      const others: JsonObject = {};
      for (const { name, show } of isWhole ? holdings : []) {
        const shown = await show?.(subject);
        if (shown !== undefined) others[name] = shown;
      }
      await record(by, 'exported', target, { conversations: conversations.length });
      return {
        schema: 'rempart/privacy-export@1',
        subject,
        pseudonym: pseudonymOf(subject),
        exportedAt: new Date(now()).toISOString(),
        conversations,
        settings,
        keys: isWhole ? keysOf(subject).map(shownKey) : [],
        others,
      };
    },
    async erase(what, by) {
      const target = await targetOf(what);
      const { subject, conversation } = target;
      const withKeys = what.withKeys === true && conversation === undefined;
      const isAbout = (whose: string, which?: string) =>
        whose === subject && (conversation === undefined || which === conversation);
      const document = async (counts: Record<string, number>, isDone: boolean): Promise<ErasureDocument> => ({
        schema: 'rempart/erasure@1',
        at: new Date(now()).toISOString(),
        pseudonym: pseudonymOf(subject),
        conversation: conversation ?? null,
        erased: isDone,
        counts,
        remains: await remains(target, withKeys),
      });
      if (what.dryRun === true) {
        const counted = {
          ...(await countOf(store.db, subject, conversation)),
          ...(await fromHoldings(target, 'count')),
        };
        return document(withKeys ? { ...counted, keys: keysOf(subject).length } : counted, false);
      }
      await record(by, 'erasing', target, {});
      const { erased, setAside } = await book.forget(isAbout, () => eraseOf(store.db, subject, conversation));
      const others = await fromHoldings(target, 'erase');
      const access = withKeys ? await withoutKeys(subject) : {};
      await wipeTraces(store);
      const counts = { ...erased, setAside, ...others, ...access };
      await record(by, 'erased', target, { counts });
      return document(counts, true);
    },
  };
}

function shownKey({ id, role, createdAt, expiresAt, revokedAt }: KeyRecord) {
  const instant = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    id,
    role,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: instant(expiresAt),
    revokedAt: instant(revokedAt),
  };
}
