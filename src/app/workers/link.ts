// Questions and words between the main thread and one worker: plain data, errors of the catalogue as themselves.
import type { MessagePort } from 'node:worker_threads';
import { type ErrorCode, errorCatalogue, type Facts, RempartError } from '../../platform/base/errors.ts';

/** A Worker, or the parentPort within it. */
export interface LinkPort {
  postMessage(message: unknown, transfer?: readonly MessagePort[]): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

type Method = (...given: never[]) => unknown;
/** Objects whose methods the other side may call, by name. */
export type Served = Readonly<Record<string, object>>;

export interface Link {
  /** Calls a method of what the other side serves; rejects when it does, or when the other side is gone. */
  call(object: string, method: string, ...given: unknown[]): Promise<unknown>;
  /** The same without an answer. */
  tell(object: string, method: string, ...given: unknown[]): void;
  /** The same, and `port` goes over to the other side. */
  hand(port: MessagePort, object: string, method: string, ...given: unknown[]): void;
  /** Everything that is still owed is rejected. */
  cut(): void;
}

type Message =
  | { kind: 'call'; id?: number; object: string; method: string; given: unknown[] }
  | { kind: 'done'; id: number; result: unknown }
  | { kind: 'failed'; id: number; code: string; facts: Facts };

export function openLink(port: LinkPort, served: Served): Link {
  const owed = new Map<number, { resolve: (result: unknown) => void; reject: (error: RempartError) => void }>();
  let lastId = 0;
  let isCut = false;

  async function answer({ id, object, method, given }: Extract<Message, { kind: 'call' }>): Promise<void> {
    try {
      const work = (served[object] as Record<string, Method> | undefined)?.[method];
      if (work === undefined) throw new RempartError('ERR_INTERNAL');
      const result = await work(...(given as never[]));
      if (id !== undefined) port.postMessage({ kind: 'done', id, result } satisfies Message);
    } catch (error) {
      if (id === undefined) return;
      const { code, facts } = error instanceof RempartError ? error : new RempartError('ERR_INTERNAL', {}, error);
      port.postMessage({ kind: 'failed', id, code, facts } satisfies Message);
    }
  }

  port.on('message', (given) => {
    const message = given as Message;
    if (message.kind === 'call') {
      void answer(message);
      return;
    }
    const waiting = owed.get(message.id);
    owed.delete(message.id);
    if (message.kind === 'done') waiting?.resolve(message.result);
    else waiting?.reject(new RempartError(isCode(message.code) ? message.code : 'ERR_INTERNAL', message.facts));
  });

  return {
    call(object, method, ...given) {
      if (isCut) return Promise.reject(new RempartError('ERR_INTERNAL'));
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        owed.set(id, { resolve, reject });
        port.postMessage({ kind: 'call', id, object, method, given } satisfies Message);
      });
    },
    tell(object, method, ...given) {
      if (!isCut) port.postMessage({ kind: 'call', object, method, given } satisfies Message);
    },
    hand(one, object, method, ...given) {
      if (isCut) one.close();
      else port.postMessage({ kind: 'call', object, method, given: [one, ...given] } satisfies Message, [one]);
    },
    cut() {
      isCut = true;
      for (const { reject } of owed.values()) reject(new RempartError('ERR_INTERNAL'));
      owed.clear();
    },
  };
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

/** As it is from the other side. */
export type Asked<T extends object> = {
  [Name in keyof T]: T[Name] extends (...given: infer Given) => infer Result
    ? (...given: Given) => Promise<Awaited<Result>>
    : never;
};

/** An object of the other side, all of whose methods answer later. */
export function remote<T extends object>(link: Link, object: string, methods: readonly (keyof T & string)[]): Asked<T> {
  const made = methods.map((method) => [method, (...given: unknown[]) => link.call(object, method, ...given)]);
  return Object.fromEntries(made) as Asked<T>;
}
