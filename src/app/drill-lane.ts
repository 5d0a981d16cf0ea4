// One lane of drills: a process of its own that runs the drills it is told of, one after another, each in a new sandbox.
import { existsSync } from 'node:fs';
import module from 'node:module';
import type { DrilledScenario } from '../platform/documents/drill.ts';
import type { Lang } from '../platform/i18n/say.ts';

/** What a lane is told. */
export interface LaneOrder {
  scenario: string;
  dryRun: boolean;
  lang: Lang;
  /** A directory for it that is not there yet. */
  dir: string;
  /** Whether real containers may be tried. */
  podman: boolean;
}

/** What it answers. */
export interface LaneAnswer {
  scenario: string;
  done: DrilledScenario;
}

async function serve(): Promise<void> {
  module.enableCompileCache?.();
  const { drillOnce } = await import('./drill-once.ts');
  const stop = new AbortController();
  // Who ordered is gone: the sandbox is ended, and the keeper clears what is left.
  process.once('disconnect', () => stop.abort());
  process.on('SIGTERM', () => stop.abort());
  process.on('SIGINT', () => undefined);
  let last: Promise<void> = Promise.resolve();
  process.on('message', (order: LaneOrder) => {
    last = last.then(async () => {
      const done = await drillOnce(order, stop.signal);
      if (process.connected && !existsSync(`${order.dir}.gone`)) process.send?.({ scenario: order.scenario, done });
    });
  });
}

if (import.meta.main) await serve();
