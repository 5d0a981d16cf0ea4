// Drills on what everything runs on: the event loop held, memory taken, answers slowed down, the database gone.
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { statusOf } from '../ask-gateway.ts';
import { type Drill, type Sandbox, until } from '../drill.ts';
import { allAnswer, contactsTold, portsClosed, processGone } from '../looks.ts';

const nothing = new Int32Array(new SharedArrayBuffer(4));

/** Keeps this process, which is the sandbox's own, from doing anything else; it computes nothing, so that nobody beside it suffers. */
function hold(ms: number): void {
  Atomics.wait(nothing, 0, 0, ms);
}

/** Percent of the last ten seconds in which something waited for a processor (PSI); 0 where the kernel does not tell. */
function processorPressure(): number {
  try {
    return Number(/^some avg10=([\d.]+)/.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Above the first the machine itself is what is seen; above the second it may have been. */
const busyPercent = 45;
const calmPercent = 20;

async function hostIsWell({ gatewayUrl }: Sandbox): Promise<boolean> {
  if (processorPressure() > busyPercent) return false;
  const response = await fetch(`${gatewayUrl}/health`, { signal: AbortSignal.timeout(5_000) });
  return ((await response.json()) as { host?: string }).host === 'ok';
}

export const hostOverload: Drill = {
  type: 'host-overload',
  wantsContainers: false,
  alone: true,
  cause: 'drill.cause.host-overload',
  subject: () => 'host',
  begin(sandbox) {
    let pressure = 0;
    return {
      async before() {
        // A machine that is overloaded already cannot become so.
        if (!(await until(() => hostIsWell(sandbox), 15_000, 500))) return { notNow: 'machine-busy' };
        const status = await statusOf(sandbox, sandbox.keys.first);
        pressure = processorPressure();
        return [{ name: 'served-before', ok: status === 200, facts: { status } }];
      },
      async cause() {
        // First so that the loop is measured seldom, and then not at all: what is seen next is one long standstill.
        for (let count = 0; count < 30; count++) {
          hold(70);
          await new Promise((resolve) => setImmediate(resolve));
        }
        // Twice: the first one's end may be measured only after the look that follows it.
        for (let count = 0; count < 2; count++) {
          hold(4_000);
          await new Promise((resolve) => setImmediate(resolve));
        }
        pressure = Math.max(pressure, processorPressure());
      },
      notSeen: () => (pressure > calmPercent ? { notNow: 'machine-busy' } : undefined),
      contained: async ({ id }) => [contactsTold(sandbox, id)],
      async restored() {
        const status = await statusOf(sandbox, sandbox.keys.first);
        return [{ name: 'served-again', ok: status === 200, facts: { status } }];
      },
    };
  },
};

export const memoryExhaustion: Drill = {
  type: 'memory-exhaustion',
  wantsContainers: false,
  watchesUsage: true,
  cause: 'drill.cause.memory-exhaustion',
  subject: () => 'drill-core',
  begin(sandbox) {
    const { containers } = sandbox;
    let pid: number | null = null;
    return {
      async before() {
        pid = await containers.pid('drill-core');
        return [await allAnswer(sandbox)];
      },
      async cause() {
        for (let count = 0; count < 4; count++) await containers.grow('drill-core', 50);
      },
      contained: async ({ id }) => [
        processGone('grown-process-gone', pid),
        await portsClosed(sandbox, ['drill-core']),
        contactsTold(sandbox, id),
      ],
      restored: async () => [await allAnswer(sandbox)],
      undone: async () => [await allAnswer(sandbox, 'services-answer-again')],
    };
  },
};

export const performanceAnomaly: Drill = {
  type: 'performance-anomaly',
  wantsContainers: false,
  cause: 'drill.cause.performance-anomaly',
  subject: () => 'rempart',
  begin(sandbox) {
    const { keys } = sandbox;
    let holding = true;
    return {
      async before() {
        const status = await statusOf(sandbox, keys.first);
        return [{ name: 'served-before', ok: status === 200, facts: { status } }];
      },
      async cause() {
        // As something that computes too much where everybody waits would: late for seconds, and never quite still.
        const end = performance.now() + 11_000;
        const keepBusy = async () => {
          while (holding && performance.now() < end) {
            hold(500);
            // What waits gets its turns, but the loop gets no rest that would be measured as one.
            const until = performance.now() + 15;
            while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
          }
        };
        void keepBusy();
      },
      async contained({ id }) {
        holding = false;
        return [contactsTold(sandbox, id)];
      },
      async restored() {
        const begun = performance.now();
        const status = await statusOf(sandbox, keys.first);
        const ms = Math.round(performance.now() - begun);
        return [{ name: 'served-in-time', ok: status === 200 && ms < 1_000, facts: { status, ms } }];
      },
    };
  },
};

export const databaseDown: Drill = {
  type: 'database-down',
  wantsContainers: false,
  cause: 'drill.cause.database-down',
  subject: () => 'store',
  begin(sandbox) {
    const { data, keys } = sandbox;
    const store = join(data, 'store.sqlite');
    const files = ['', '-wal', '-shm'].map((ending) => `${store}${ending}`);
    const waiting = join(data, 'spool', 'detections.json');
    return {
      async before() {
        const status = await statusOf(sandbox, keys.first);
        return [{ name: 'served-before', ok: status === 200, facts: { status } }];
      },
      async cause() {
        for (const file of files) if (existsSync(file)) renameSync(file, `${file}.away`);
      },
      // Nothing can be opened in a store that is away: the detection must lie on disk beside it.
      seen: async () => existsSync(waiting) && readFileSync(waiting, 'utf8').includes('database-down'),
      async meanwhile() {
        const status = await statusOf(sandbox, keys.first);
        for (const file of files) if (existsSync(`${file}.away`)) renameSync(`${file}.away`, file);
        const back = await until(
          async () => (await sandbox.incident('database-down').catch(() => null)) !== null,
          10_000,
        );
        return [
          { name: 'served-without-database', ok: status === 200, facts: { status } },
          { name: 'opened-afterwards', ok: back },
        ];
      },
      contained: async ({ id }) => [contactsTold(sandbox, id)],
      async restored() {
        const status = await statusOf(sandbox, keys.first);
        return [{ name: 'served-again', ok: status === 200, facts: { status } }];
      },
    };
  },
};
