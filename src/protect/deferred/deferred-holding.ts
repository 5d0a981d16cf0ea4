// What waits, or waited, of a person: for a copy of it and for its erasure.
import type { Json, JsonObject } from '../../platform/base/json.ts';
import type { Holding } from '../erasure/holding.ts';
import type { Deferred } from './deferral.ts';
import type { Entry } from './entry.ts';
import { entryOf, type QueueParts } from './queue-rows.ts';
import type { Seal } from './seal.ts';

export function deferredHolding({ db }: Pick<QueueParts, 'db'>, seal: Seal): Holding {
  async function entriesOf(subject: string, conversation?: string): Promise<Entry[]> {
    const rows = await db.selectFrom('deferred_requests').selectAll().where('subject', '=', subject).execute();
    const entries = rows.map(entryOf);
    return conversation === undefined ? entries : entries.filter((entry) => isOf(entry, conversation));
  }

  function opened({ id, request, answer }: Entry): { request?: Json; answer?: Json } {
    const part = (sealed: string | null, name: 'request' | 'answer') => {
      try {
        return sealed === null ? {} : { [name]: seal.open(sealed, `${id} ${name}`) };
      } catch {
        // Another node's key: that it is there can be said.
        return {};
      }
    };
    return { ...part(request, 'request'), ...part(answer, 'answer') };
  }

  function isOf(entry: Entry, conversation: string): boolean {
    const { request, answer } = opened(entry);
    const asked = request as unknown as Deferred | undefined;
    if (asked?.kind === 'chat') return asked.conversation === conversation;
    return entry.kind === 'chat' && (answer as JsonObject | undefined)?.['conversation'] === conversation;
  }

  return {
    name: 'deferred',
    async show(subject) {
      const entries = await entriesOf(subject);
      return entries.map((entry) => {
        const { request, answer } = opened(entry);
        const { id, kind, model, state, createdAt } = entry;
        const what = request as unknown as Deferred | undefined;
        return {
          id,
          kind,
          model,
          state,
          createdAt: new Date(createdAt).toISOString(),
          ...(what?.kind === 'call' ? { request: what.call as unknown as JsonObject } : {}),
          ...(answer === undefined ? {} : { answer }),
        };
      });
    },
    count: async (subject, conversation) => (await entriesOf(subject, conversation)).length,
    async erase(subject, conversation) {
      const ids = (await entriesOf(subject, conversation)).map(({ id }) => id);
      if (ids.length === 0) return 0;
      // Whoever works on one finds that it is gone, and keeps no answer.
      await db.deleteFrom('deferred_requests').where('id', 'in', ids).execute();
      return ids.length;
    },
  };
}
