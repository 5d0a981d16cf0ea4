// What one thread changes of keys and revocations, the others take over: a revocation holds there at once already, through the set that all see.
import type { Bus } from '../platform/shared/bus.ts';
import type { KeyRecord, Keys } from './gateway/keys.ts';
import type { Revocation, Revocations } from './gateway/tokens/revocations.ts';

const keysTopic = 'access.keys';
const revocationTopic = 'access.revocation';

/** For `onChange` of createKeys() and of createRevocations(); `keys` also after other nodes changed something. */
export function announceAccess(
  bus: Pick<Bus, 'publish'>,
  list: () => readonly KeyRecord[],
): { keys: () => void; revocations: (revocation: Revocation) => void } {
  return {
    keys: () => bus.publish(keysTopic, storedKeys(list())),
    revocations: (revocation) => bus.publish(revocationTopic, revocation),
  };
}

/** Those of the configuration every thread has by itself. */
export function storedKeys(keys: readonly KeyRecord[]): KeyRecord[] {
  return keys.filter(({ id }) => !id.startsWith('cfg_'));
}

/** Returns what ends it. */
export function heedAccess(
  bus: Pick<Bus, 'subscribe'>,
  { keys, revocations }: { keys: Pick<Keys, 'adopt'>; revocations: Pick<Revocations, 'learn'> },
): () => void {
  const ends = [
    bus.subscribe(keysTopic, (data, { own }) => {
      if (!own) keys.adopt(data as KeyRecord[]);
    }),
    bus.subscribe(revocationTopic, (data, { own }) => {
      if (!own) revocations.learn(data as Revocation);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
