// What all keys of one account share at a provider: when it asks one of them to wait, or has nothing left for it, the others would hear the same.
import { type Breaker, type BreakerSettings, createBreaker } from './breaker.ts';
import { createHold, type Hold } from './hold.ts';

export interface Account {
  /** Too many for now. */
  throttle: Hold;
  /** Used up: nothing is sent until one trial has succeeded. */
  quota: Breaker;
}

export interface Accounts {
  /** `workspace` names it; the same for the same name. */
  of(workspace: string, settings: BreakerSettings): Account;
}

export function createAccount(settings: BreakerSettings): Account {
  return { throttle: createHold(settings.halfOpenMs), quota: createBreaker(settings) };
}

export function createAccounts(): Accounts {
  const known = new Map<string, Account>();
  return {
    of(workspace, settings) {
      const name = `${workspace} ${settings.failures} ${settings.halfOpenMs}`;
      const account = known.get(name) ?? createAccount(settings);
      known.set(name, account);
      return account;
    },
  };
}
