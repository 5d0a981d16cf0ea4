// What all keys of one account share at a provider: when it asks one of them to wait, or has nothing left for it, the others would hear the same.
import type { BreakerSettings } from './breaker.ts';
import { createHold, type Hold } from './hold.ts';
import { createQuota, type Quota } from './quota.ts';

export interface Account {
  /** Too many for now. */
  throttle: Hold;
  /** Used up: nothing is sent until one trial has succeeded. */
  quota: Quota;
}

export interface Accounts {
  /** `workspace` names it; the same for the same name. Who opens one anew, with a new configuration, finds its quota to be asked again. */
  of(workspace: string, settings: BreakerSettings): Account;
}

export function createAccount(settings: BreakerSettings): Account {
  return { throttle: createHold(settings.halfOpenMs), quota: createQuota(settings.halfOpenMs) };
}

export function createAccounts(): Accounts {
  const known = new Map<string, Account>();
  return {
    of(workspace, settings) {
      const name = `${workspace} ${settings.failures} ${settings.halfOpenMs}`;
      const met = known.get(name);
      met?.quota.renew();
      const account = met ?? createAccount(settings);
      known.set(name, account);
      return account;
    },
  };
}
