// A gateway that another can take the place of while requests are under way: each request stays with the one it began with.
import type { Gateway } from './gateway.ts';

export interface Swappable extends Gateway {
  /** From now on `next` serves. The one before is closed once its last request has ended, or after `withinMs`. */
  swap(next: Gateway, withinMs?: number): void;
}

interface Serving {
  gateway: Gateway;
  atWork: number;
  replaced: boolean;
  idle: () => void;
}

const longestMs = 120_000;

export function createSwappable(first: Gateway): Swappable {
  let current = begin(first);
  const ending = new Set<Promise<void>>();

  function done(serving: Serving): void {
    if (--serving.atWork === 0 && serving.replaced) serving.idle();
  }

  return {
    handle(req, res) {
      const serving = current;
      serving.atWork++;
      res.once('close', () => done(serving));
      return serving.gateway.handle(req, res);
    },
    async ask(request, onDelta) {
      const serving = current;
      serving.atWork++;
      try {
        return await serving.gateway.ask(request, onDelta);
      } finally {
        done(serving);
      }
    },
    async redo(call) {
      const serving = current;
      serving.atWork++;
      try {
        return await serving.gateway.redo(call);
      } finally {
        done(serving);
      }
    },
    failedAuth: (failure) => current.gateway.failedAuth(failure),
    identify: (req) => current.gateway.identify(req),
    admitSource: (address) => current.gateway.admitSource(address),
    state: () => current.gateway.state(),
    quarantined: () => current.gateway.quarantined(),
    swap(next, withinMs = longestMs) {
      const before = current;
      current = begin(next);
      const end = retire(before, withinMs).finally(() => ending.delete(end));
      ending.add(end);
    },
    async close() {
      await Promise.all([current.gateway.close(), ...ending]);
    },
  };
}

function begin(gateway: Gateway): Serving {
  return { gateway, atWork: 0, replaced: false, idle() {} };
}

function retire(serving: Serving, withinMs: number): Promise<void> {
  return new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, withinMs).unref();
    serving.idle = () => {
      clearTimeout(timer);
      resolve();
    };
    serving.replaced = true;
    if (serving.atWork === 0) serving.idle();
  }).then(() => serving.gateway.close());
}
