// The health of providers beyond one gateway: when the configuration is read anew, a refused key that is still there stays refused.
import { hash } from 'node:crypto';
import { type Accounts, createAccounts } from './account.ts';
import type { ProviderHealth } from './provider-health.ts';

export interface KeptHealth {
  /** The health that is known of a provider with exactly these settings, or a new one. Closed once nobody holds it. */
  open(identity: object, make: () => ProviderHealth): ProviderHealth;
  accounts: Accounts;
}

export function createKeptHealth(): KeptHealth {
  const kept = new Map<string, { health: ProviderHealth; holders: number }>();
  return {
    accounts: createAccounts(),
    open(identity, make) {
      // A digest, since the settings hold the keys.
      const name = hash('sha256', JSON.stringify(identity));
      const entry = kept.get(name) ?? { health: make(), holders: 0 };
      kept.set(name, entry);
      entry.holders++;
      let held = true;
      return {
        ...entry.health,
        close() {
          if (!held) return;
          held = false;
          entry.holders--;
          if (entry.holders > 0) return;
          kept.delete(name);
          entry.health.close();
        },
      };
    },
  };
}
