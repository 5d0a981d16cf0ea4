// Drills on what everything runs on: the event loop held, memory taken, answers slowed down, the database gone.
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { statusOf } from '../ask-gateway.ts';
import { type Drill, until } from '../drill.ts';
import { allAnswer, contactsTold, portsClosed, processGone } from '../looks.ts';

/** Keeps this process, which is the sandbox's own, from doing anything else. */
function hold(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

export const hostOverload: Drill = {
  type: 'host-overload',
  wantsContainers: false,
  cause: 'drill.cause.host-overload',
  subject: () => 'host',
  begin(sandbox) {
    return {
      async before() {
        const status = await statusOf(sandbox, sandbox.keys.first);
        return [{ name: 'served-before', ok: status === 200, facts: { status } }];
      },
      async cause() {
        for (let count = 0; count < 4; count++) {
          hold(1_200);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
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
        for (let count = 0; count < 6; count++) {
          await containers.grow('drill-core', 80);
          await new Promise((resolve) => setTimeout(resolve, 150));
        }
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
  subject: () => 'gateway',
  begin(sandbox) {
    const { provider, keys } = sandbox;
    return {
      async before() {
        // What is usual here must be known before anything is unusual.
        for (let count = 0; count < 120; count++) await statusOf(sandbox, keys.first, `Question ${count}`);
        const status = await statusOf(sandbox, keys.first);
        return [{ name: 'served-before', ok: status === 200, facts: { status } }];
      },
      async cause() {
        provider.set({ kind: 'well', delayMs: 400 });
        for (let wave = 0; wave < 6; wave++)
          await Promise.all(
            Array.from({ length: 10 }, (_, count) => statusOf(sandbox, keys.first, `Slow ${wave} ${count}`)),
          );
      },
      contained: async ({ id }) => [contactsTold(sandbox, id)],
      async restored() {
        provider.set({ kind: 'well' });
        const begun = performance.now();
        const status = await statusOf(sandbox, keys.first);
        const ms = Math.round(performance.now() - begun);
        return [{ name: 'served-in-time', ok: status === 200 && ms < 400, facts: { status, ms } }];
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
