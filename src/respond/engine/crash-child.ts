// For tests: an engine in a process of its own, which kills itself at the boundary it is told. Prints how many boundaries it passed, once the run has ended.
import { openStore } from '../../platform/store/store.ts';
import { createActions } from './action.ts';
import { createAllowance, defaultAllowance } from './allowance.ts';
import type { HeldRun, RunLog } from './durable.ts';
import { createEngine } from './engine.ts';
import { exampleActions } from './example.ts';
import { createRunLog } from './run-log.ts';
import { createTasks } from './tasks.ts';

const { location, run, file, killAt } = JSON.parse(process.argv[2] ?? '{}') as {
  location: { path: string } | { url: string };
  run: string;
  file: string;
  killAt: number;
};

let passed = 0;
const boundary = () => {
  if (++passed === killAt) process.kill(process.pid, 'SIGKILL');
};

const store = await openStore(location);
const runs = withBoundaries(createRunLog(store));
const silent = () => undefined;
const engine = createEngine(
  {
    store,
    runs,
    tasks: createTasks(store),
    actions: createActions(exampleActions(file, boundary)),
    allowance: createAllowance({ ...defaultAllowance, enabled: ['*'] }, Date.now),
    log: { debug: silent, info: silent, warn: silent, error: console.error },
    now: Date.now,
    tell: async () => undefined,
    tellRun: async () => undefined,
    findPlaybook: async () => {
      throw new Error('no playbook calls another here');
    },
  },
  { leaseMs: 300, everyMs: 20, most: 4 },
);
const { state } = await engine.ended(run, AbortSignal.timeout(120_000));
console.log(JSON.stringify({ state, passed }));
await engine.close();
await store.close();

function withBoundaries(log: RunLog): RunLog {
  const watched = (held: HeldRun | null) =>
    held && {
      ...held,
      remember: async (...given: Parameters<HeldRun['remember']>) => {
        boundary();
        await held.remember(...given);
        boundary();
      },
    };
  return {
    ...log,
    claim: async (...given) => watched(await log.claim(...given)),
    end: async (...given) => {
      boundary();
      const ended = await log.end(...given);
      boundary();
      return ended;
    },
  };
}
