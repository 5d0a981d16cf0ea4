// Messages between the threads of one instance: what one publishes, every subscriber on each thread receives.
import { BroadcastChannel } from 'node:worker_threads';

/** `own`: it was published on this thread. */
export type BusListener = (data: unknown, about: { own: boolean }) => void;

export interface Bus {
  /** `data` must survive a structured clone. Subscribers of this thread have it before the call returns, others soon after. */
  publish(topic: string, data?: unknown): void;
  /** Returns what ends the subscription. */
  subscribe(topic: string, listener: BusListener): () => void;
  close(): void;
}

interface Message {
  topic: string;
  data: unknown;
}

/** Opens the bus called `name`; threads that give the same name share it, and one thread alone has it just the same. */
export function createBus(name: string): Bus {
  const channel = new BroadcastChannel(`rempart:${name}`);
  const listeners = new Map<string, Set<BusListener>>();
  let closed = false;

  function deliver({ topic, data }: Message, own: boolean): void {
    for (const listener of [...(listeners.get(topic) ?? [])]) listener(data, { own });
  }

  channel.onmessage = (event: unknown) => {
    if (!closed) deliver((event as { data: Message }).data, false);
  };
  // The bus alone keeps no thread alive.
  channel.unref();

  return {
    publish(topic, data) {
      if (closed) return;
      channel.postMessage({ topic, data } satisfies Message);
      deliver({ topic, data }, true);
    },
    subscribe(topic, listener) {
      const those = listeners.get(topic) ?? new Set();
      listeners.set(topic, those.add(listener));
      return () => {
        those.delete(listener);
        if (those.size === 0 && listeners.get(topic) === those) listeners.delete(topic);
      };
    },
    close() {
      if (closed) return;
      closed = true;
      listeners.clear();
      channel.close();
    },
  };
}
