// The API key of a first start.
import type { Log } from '../platform/base/log.ts';
import type { Keys } from '../protect/gateway/keys.ts';
import { createKey } from '../protect/key-commands.ts';
import type { RecordActivity } from '../protect/record-activity.ts';

/** A key to begin with; who has any, or has brought their own, needs no other. */
export async function firstKey(keys: Keys, record: RecordActivity, log: Log): Promise<string | undefined> {
  // Asked once more: a store that has come back meanwhile may bring some.
  await keys.refresh();
  if (keys.list().length > 0) return undefined;
  try {
    return (await createKey(keys, record, { subject: 'first-user', role: 'user' })).secret;
  } catch (error) {
    log.warn({ err: error }, 'the first API key could not be stored');
    return undefined;
  }
}
