// Whether who began a call may go on with it: whose key, token, session or address was taken back meanwhile gets nothing more.
import { RempartError } from '../../platform/base/errors.ts';
import type { SharedSet } from '../../platform/shared/set.ts';
import { type HeldBack, heldBack } from '../restraints.ts';
import type { Caller } from './ask.ts';
import type { Keys } from './keys.ts';
import type { Quarantine } from './quarantine.ts';
import type { Revocations } from './tokens/revocations.ts';

export interface Standing {
  /** Why this caller, who was let in at `since`, is to get nothing more; undefined while it may go on. */
  lost(caller: Caller, since: number): RempartError | undefined;
  /** Calls back when somebody may have lost it, on whichever thread. Returns what ends that. */
  watch(listener: () => void): () => void;
}

export interface StandingParts {
  keys: Pick<Keys, 'isTakenBack' | 'onTakenBack'>;
  quarantine: Pick<Quarantine, 'secondsLeft' | 'onShutOut'>;
  /** Without them no token is taken back. */
  revocations?: Pick<Revocations, 'isRevoked' | 'onMore'>;
  restraints?: HeldBack;
  /** What all threads are told by; without it, what others take back is found with the next request. */
  shared?: Pick<SharedSet, 'onChange'>;
}

export function createStanding({ keys, quarantine, revocations, restraints, shared }: StandingParts): Standing {
  function isTakenBack({ credential, subject }: Caller, since: number): boolean {
    // A session that a key opened is named KEY/SESSION.
    const [id = ''] = credential.split('/', 1);
    if (/^(?:rmp|cfg)_/.test(id)) return keys.isTakenBack(id);
    if (!id.startsWith('jwt_')) return false;
    // It was made before it was let in: what was revoked since is over.
    return revocations?.isRevoked({ jti: id.slice(4), subject, issuedAt: since }) === true;
  }

  return {
    lost(caller, since) {
      if (isTakenBack(caller, since)) return new RempartError('ERR_ACCESS_REVOKED');
      const held = heldBack(restraints, caller);
      if (held !== undefined) return held;
      if (restraints?.isHeld('source', caller.sourceIp)) return new RempartError('ERR_SOURCE_BLOCKED');
      const seconds = quarantine.secondsLeft(caller.credential);
      return seconds > 0 ? new RempartError('ERR_QUARANTINED', { seconds }) : undefined;
    },
    watch(listener) {
      const ends = [
        keys.onTakenBack(listener),
        quarantine.onShutOut(listener),
        revocations?.onMore(listener),
        shared?.onChange(listener),
      ];
      return () => {
        for (const end of ends) end?.();
      };
    },
  };
}
