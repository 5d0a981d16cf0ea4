// What one thread changes of keys and revocations, the others take over: a revocation holds there at once already, through the set that all see.
import type { Bus } from '../platform/shared/bus.ts';
import type { Keys } from './gateway/keys.ts';
import type { Revocation, Revocations } from './gateway/tokens/revocations.ts';

const keysTopic = 'access.keys';
const revocationTopic = 'access.revocation';

/** For `onChange` of createKeys() and of createRevocations(). */
export function announceAccess(bus: Pick<Bus, 'publish'>): {
  keys: () => void;
  revocations: (revocation: Revocation) => void;
} {
  return {
    keys: () => bus.publish(keysTopic),
    revocations: (revocation) => bus.publish(revocationTopic, revocation),
  };
}

/** Returns what ends it. */
export function heedAccess(
  bus: Pick<Bus, 'subscribe'>,
  { keys, revocations }: { keys: Pick<Keys, 'refresh'>; revocations: Pick<Revocations, 'learn'> },
): () => void {
  const ends = [
    bus.subscribe(keysTopic, (_, { own }) => {
      if (!own) void keys.refresh();
    }),
    bus.subscribe(revocationTopic, (data, { own }) => {
      if (!own) revocations.learn(data as Revocation);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
