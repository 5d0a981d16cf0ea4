// What belongs to the main thread and a worker has a part of: keys, revocations, the queue, the watch over models, the baseline of behaviour.
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RempartError } from '../../platform/base/errors.ts';
import { openSet } from '../../platform/shared/set.ts';
import type { Deferral } from '../../protect/deferred/deferral.ts';
import { createCheckAddress } from '../../protect/deferred/webhook-address.ts';
import { givenKeys } from '../../protect/gateway/access-config.ts';
import { createKeys } from '../../protect/gateway/keys.ts';
import { createRevocations } from '../../protect/gateway/tokens/revocations.ts';
import type { ModelGuard } from '../../protect/gateway/verified-models.ts';
import { loadWafRules } from '../../protect/gateway/waf/waf-rules.ts';
import { createBehaviour } from '../../protect/screening/behaviour.ts';
import { heedAccess } from '../../protect/share-access.ts';
import type { Crew } from './crew.ts';
import { type Link, remote } from './link.ts';
import type { WorkerStart, WorkerState } from './protocol.ts';

const now = Date.now;

export function openBorrowed(start: WorkerStart, state: WorkerState, { bus }: Crew, main: Link) {
  const { started, data, memory } = start;
  const revoked = openSet(memory);
  const keys = createKeys({ now, repository: noStore(), given: givenKeys(state.config.access), revoked });
  keys.adopt(state.keys);
  const revocations = createRevocations({ now, repository: noStore(), revoked });
  for (const revocation of state.revocations) revocations.learn(revocation);
  heedAccess(bus, { keys, revocations });
  const { webhooks } = started.deferred;
  const saved = readSaved(join(data, 'behaviour.json'));
  return {
    keys,
    revocations,
    behaviour: createBehaviour(
      { now, seed: randomInt(1, 2 ** 31), ...(saved === undefined ? {} : { saved }) },
      started.screening.behaviour,
    ),
    modelGuard: start.watched && modelGuardOf(start.watched, main),
    ...(start.defers
      ? {
          deferral: remote<Deferral>(main, 'deferral', ['accept', 'known', 'find', 'cancel', 'delivered']),
          checkWebhook: createCheckAddress(loadWafRules().places, {
            isOn: webhooks.secret !== undefined,
            allowedHosts: webhooks.allowedHosts,
          }),
        }
      : {}),
  };
}

/** Lists of models are the main thread's, so that nobody asks here what is verified. */
function modelGuardOf(watched: readonly string[], main: Link): ModelGuard {
  return {
    ...remote<Pick<ModelGuard, 'admit'>>(main, 'models', ['admit']),
    concerns: (provider) => watched.includes(provider),
    isVerified: () => false,
  };
}

/** What is stored, the main thread stores. */
function noStore() {
  const refuse = () => Promise.reject(new RempartError('ERR_STORE_AWAY'));
  return { load: refuse, insert: refuse, revoke: refuse, expire: refuse };
}

function readSaved(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
