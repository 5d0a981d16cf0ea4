// Messages between the threads of one instance: what one publishes, every subscriber on each thread receives.
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';

/** `own`: it was published on this thread. */
export type BusListener = (data: unknown, about: { own: boolean }) => void;

export interface Bus {
  /** `data` must survive a structured clone. Subscribers of this thread have it before the call returns, others soon after. */
  publish(topic: string, data?: unknown): void;
  /** Returns what ends the subscription. */
  subscribe(topic: string, listener: BusListener): () => void;
  /** Takes in at once what any thread published before this call. With `word`, one comparison when there is nothing. */
  catchUp(): void;
  close(): void;
}

interface Message {
  topic: string;
  data: unknown;
}

/**
 * Opens the bus called `name`; threads that give the same name share it, and one thread alone has it just the same.
 * `word`: one of shared memory that counts what was published, so that nobody looks in vain.
 */
export function createBus(name: string, word?: Int32Array): Bus {
  const channel = new BroadcastChannel(`rempart:${name}`);
  // Either kind can be received from; the types know of one.
  const port = channel as unknown as MessagePort;
  const listeners = new Map<string, Set<BusListener>>();
  let closed = false;
  let seen = 0;

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
      // Afterwards: by the time that the number is seen, the message lies ready on every thread.
      if (word !== undefined) Atomics.add(word, 0, 1);
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
    catchUp() {
      if (closed) return;
      if (word !== undefined) {
        const count = Atomics.load(word, 0);
        if (count === seen) return;
        seen = count;
      }
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
        deliver(next.message as Message, false);
    },
    close() {
      if (closed) return;
      closed = true;
      listeners.clear();
      channel.close();
    },
  };
}
