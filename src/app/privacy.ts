// People's data in an instance, running or not: what they can have, what is erased, and what is too old.
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import { readOrCreateSecret } from '../platform/base/secret-file.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { indexLocation } from '../platform/journal/sinks/start-sinks.ts';
import type { Store } from '../platform/store/store.ts';
import type { Book } from '../protect/chatbot/book.ts';
import type { EarlierAnswers } from '../protect/chatbot/earlier-answers.ts';
import { deferredHolding } from '../protect/deferred/deferred-holding.ts';
import type { Holding } from '../protect/erasure/holding.ts';
import { indexRows } from '../protect/erasure/index-rows.ts';
import { createPrivacy } from '../protect/erasure/privacy.ts';
import { privacyCommands } from '../protect/erasure/privacy-commands.ts';
import { createPseudonyms, type PseudonymOf, pseudonymousJournal } from '../protect/erasure/pseudonym.ts';
import { createRetention } from '../protect/erasure/retention.ts';
import type { Keys } from '../protect/gateway/keys.ts';
import type { Behaviour } from '../protect/screening/behaviour.ts';
import { sealOf } from './deferred.ts';
import { storeLocation } from './sinks.ts';

/** The key is made at the first use; instances that share a store should share it. */
export function pseudonymsOf(data: string): PseudonymOf {
  return createPseudonyms(readOrCreateSecret(join(data, 'subjects.key'), 32));
}

/** The journal as the configuration wants people named in it. */
export function journalFor({ privacy }: Config, data: string, journal: Journal): Journal {
  return privacy.journal === 'names' ? journal : pseudonymousJournal(journal, pseudonymsOf(data));
}

export interface PrivacyGround {
  /** As it is now: it may be read anew. */
  config: () => Config;
  data: string;
  store: Store;
  book: Pick<Book, 'forget'>;
  keys: Pick<Keys, 'list' | 'revoke' | 'refresh'>;
  journal: Pick<Journal, 'append'>;
  log: Pick<Log, 'warn' | 'info'>;
  holdings: readonly Holding[];
  endSessions: (subject: string) => number;
}

export function openPrivacy({ config, data, ...ground }: PrivacyGround) {
  // What waited once is there also where nothing waits any more.
  const isThere = ground.holdings.some(({ name }) => name === 'deferred');
  const deferred = isThere ? [] : [deferredHolding(ground.store, sealOf(config(), data))];
  const parts = { ...ground, holdings: [...ground.holdings, ...deferred], now: Date.now };
  const privacy = createPrivacy({
    ...parts,
    pseudonymOf: pseudonymsOf(data),
    elsewhere: () => {
      const { sinks, providers, access, privacy: how } = config();
      return {
        sinks: sinks.to.map(({ name }) => name),
        providers: providers.map(({ name }) => name),
        configured: access.keys.map(({ subject }) => subject),
        journal: how.journal,
      };
    },
  });
  const searchIndex = indexRows(() => indexLocation(data, storeLocation(config(), data)));
  const retention = createRetention({ ...parts, searchIndex });
  const commands = privacyCommands({ privacy, retention, settings: () => config().retention });
  return { privacy, retention, commands };
}

/** What a running instance remembers of people beside their conversations. */
export function rememberedOf(behaviour: Pick<Behaviour, 'forget'>, earlier: Pick<EarlierAnswers, 'forget'>): Holding[] {
  return [
    {
      name: 'behaviour',
      count: async () => 0,
      // It is of the person, not of one conversation.
      erase: async (subject, conversation) => (conversation === undefined && behaviour.forget(subject) ? 1 : 0),
    },
    {
      name: 'earlierAnswers',
      count: async () => 0,
      // Which conversation one was given in is not known: all of them go.
      erase: async (subject) => earlier.forget(subject),
    },
  ];
}
