// For tests: carries all waiting runs out, each up to its boundary, then kills itself with kill -9; prints `over` once all have ended.
import { createInterface } from 'node:readline';
import { RempartError } from '../src/platform/base/errors.ts';
import { openStore } from '../src/platform/store/store.ts';
import { createActions } from '../src/respond/engine/action.ts';
import { createAllowance, defaultAllowance } from '../src/respond/engine/allowance.ts';
import type { HeldRun, RunLog } from '../src/respond/engine/durable.ts';
import { createEngine } from '../src/respond/engine/engine.ts';
import { createRunLog } from '../src/respond/engine/run-log.ts';
import { createTasks } from '../src/respond/engine/tasks.ts';
import { fileActions } from './respond-playbooks-actions.ts';

interface Order {
  location: { path: string } | { url: string };
  file: string;
  actions: string[];
  enabled: string[];
  runs: string[];
  /** Boundaries that each run passes before the end; 0 for none. */
  killAt: number;
}

// Started ahead of time: all that takes long is loaded before the order comes.
createInterface({ input: process.stdin }).once('line', (line) => {
  process.stdin.destroy();
  void obey(JSON.parse(line) as Order);
});

async function obey({ location, file, actions, enabled, runs: ids, killAt }: Order): Promise<void> {
  const passed = new Map<string, number>();
  const left = new Set(ids);
  const store = await openStore(location);
  const runs = createRunLog(store);
  const tasks = createTasks(store);
  const boundary = async (run: string): Promise<void> => {
    const count = (passed.get(run) ?? 0) + 1;
    passed.set(run, count);
    if (killAt === 0 || count < killAt) return;
    arrived(run);
    // Whatever of it still moves stays where it is.
    await new Promise(() => undefined);
  };
  const arrived = (run: string) => {
    left.delete(run);
    if (left.size === 0) process.kill(process.pid, 'SIGKILL');
  };
  const silent = () => undefined;
  const engine = createEngine(
    {
      store,
      runs: withBoundaries(runs, boundary),
      tasks,
      actions: createActions(fileActions(actions, file, boundary)),
      allowance: createAllowance({ ...defaultAllowance, perWindow: {}, enabled }, Date.now),
      log: { debug: silent, info: silent, warn: silent, error: console.error },
      now: Date.now,
      tell: async () => undefined,
      tellRun: async () => undefined,
      findPlaybook: async () => {
        throw new Error('no shipped playbook calls another');
      },
    },
    { leaseMs: 30_000, everyMs: 10, most: 100 },
  );
  for (let over = false; !over; ) {
    try {
      over = await look();
    } catch (error) {
      // A busy database: looked at again.
      if (!(error instanceof RempartError) || error.code !== 'ERR_STORE_AWAY') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  console.log('over');
  await engine.close();
  await store.close();

  /** Answers what people are asked; true once no run is left. */
  async function look(): Promise<boolean> {
    for (const { id } of await tasks.list({ state: 'open' }))
      await tasks.decide(id, { by: 'officer', grant: true }).catch(silent);
    const open = (await runs.list()).filter(({ state }) => state === 'waiting' || state === 'running');
    for (const id of left) if (!open.some((run) => run.id === id)) left.delete(id);
    if (open.length > 0 && left.size === 0) process.kill(process.pid, 'SIGKILL');
    return open.length === 0;
  }
}

function withBoundaries(log: RunLog, boundary: (run: string) => Promise<void>): RunLog {
  const watched = (held: HeldRun | null) =>
    held && {
      ...held,
      remember: async (...given: Parameters<HeldRun['remember']>) => {
        await boundary(held.record.id);
        await held.remember(...given);
        await boundary(held.record.id);
      },
    };
  return {
    ...log,
    claim: async (...given) => watched(await log.claim(...given)),
    end: async (held, ...given) => {
      await boundary(held.record.id);
      const ended = await log.end(held, ...given);
      await boundary(held.record.id);
      return ended;
    },
  };
}
