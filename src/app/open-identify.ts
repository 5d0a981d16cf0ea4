// Who may come in, as the configuration says: keys, tokens of its issuers, and what becomes of who guesses.
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { detectionFinding } from '../platform/journal/ocsf.ts';
import type { Counters } from '../platform/shared/counters.ts';
import type { Signals } from '../platform/signals.ts';
import { createIdentify, type Identify } from '../protect/gateway/authenticate.ts';
import { createGuesses, type Lockout } from '../protect/gateway/guesses.ts';
import type { Keys } from '../protect/gateway/keys.ts';
import type { KeySets } from '../protect/gateway/tokens/key-set.ts';
import type { Revocations } from '../protect/gateway/tokens/revocations.ts';
import { createTokens } from '../protect/gateway/tokens/tokens.ts';

export interface IdentifyGround {
  log: Log;
  journal: Pick<Journal, 'append'>;
  signals: Signals;
  keys: Keys;
  revocations: Revocations;
  /** The keys of issuers, kept over reloads. */
  keySets: KeySets;
  /** Those of what strangers can make up. */
  strangers: Counters;
}

export function openIdentify(ground: IdentifyGround, access: Config['access']): Identify {
  const { log, keys, revocations, keySets, strangers } = ground;
  const now = Date.now;
  return createIdentify({
    keys,
    guesses: createGuesses({ now, counters: strangers, onLock: (lock) => tellLockout(ground, lock) }, access.guesses),
    ...(access.tokens.length === 0
      ? {}
      : { tokens: createTokens({ now, fetch, log, revocations, keySets }, access.tokens) }),
  });
}

function tellLockout({ log, journal, signals }: IdentifyGround, { scope, sourceIp, failures, seconds }: Lockout): void {
  const time = Date.now();
  signals.emit({ kind: 'brute-force', time, severity: 'high', facts: { scope, source: sourceIp, failures, seconds } });
  journal
    .append(
      detectionFinding({
        time,
        activity: 'create',
        uid: `lock-out/${time}`,
        title: 'credentials guessed: locked out',
        types: ['brute-force'],
        severity: 'high',
        status: 'success',
        unmapped: { phase: 'finding', sourceIp, scope, failures, seconds },
      }),
    )
    .catch((err: unknown) => log.error({ err }, 'a lock-out could not be journalled'));
}
