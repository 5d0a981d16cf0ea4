// The runner's end of the keeper: starts its process in a session of its own and sends it commands.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { RempartError } from '../../platform/base/errors.ts';
import type { Replayed } from '../faults/process/undo-log.ts';
import type { Fact } from '../scenarios/evidence.ts';
import type { CommandName, Commands, FromKeeper } from './protocol.ts';

export interface KeeperClient {
  pid: number;
  /** What an earlier, interrupted run had left broken and this keeper put back at its start. */
  replayed: Replayed[];
  call<C extends CommandName>(command: C, args: Commands[C]['args']): Promise<Commands[C]['reply']>;
  /** Lets the keeper restore everything and end. */
  close(): Promise<void>;
}

export interface KeeperClientOptions {
  undoDir: string;
  /** The run's zero on the monotonic clock, in milliseconds. */
  origin: number;
  /** PATH for the keeper: to find chattr. */
  path: string;
  onFact: (fact: Fact) => void;
}

/** Throws ERR_SIMULATION_RUNNING when another run's keeper is at work in the same data directory. */
export async function startKeeper({ undoDir, origin, path, onFact }: KeeperClientOptions): Promise<KeeperClient> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'keeper-process.ts'), undoDir, String(origin)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // setsid: Ctrl-C in the terminal reaches the runner, never the keeper
    env: { PATH: path },
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let ready: ((first: Extract<FromKeeper, { type: 'ready' | 'busy' }>) => void) | null = null;
  const first = new Promise<Extract<FromKeeper, { type: 'ready' | 'busy' }>>((resolve, reject) => {
    ready = resolve;
    child.once('error', reject);
    child.once('exit', () => reject(new RempartError('ERR_INTERNAL')));
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let over = false;
  child.once('exit', () => {
    over = true;
    for (const { reject } of waiting.values()) reject(new Error('the keeper ended'));
    waiting.clear();
  });
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as FromKeeper;
    if (message.type === 'fact') onFact(message.fact);
    else if (message.type === 'ready' || message.type === 'busy') ready?.(message);
    else {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.type === 'reply') call?.resolve(message.reply);
      else call?.reject(new Error(message.why));
    }
  });
  const start = await first;
  if (start.type === 'busy') throw new RempartError('ERR_SIMULATION_RUNNING', { pid: start.pid });
  let count = 0;
  return {
    pid: start.pid,
    replayed: start.replayed,
    call: (command, args) =>
      new Promise((resolve, reject) => {
        // Nobody would answer any more. Not before its end: until then the database lies broken, and its folder must stay.
        if (over) return void ended.then(() => reject(new Error('the keeper ended')));
        const id = ++count;
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        child.stdin.write(`${JSON.stringify({ id, command, args })}\n`);
      }),
    close: async () => {
      over = true;
      child.stdin.end();
      await ended;
    },
  };
}
