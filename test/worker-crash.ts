// Loaded into every thread of an instance under test: says in each answer which worker gave it, and makes one of them fail when a test wants it.
import diagnostics from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';
import { resourceLimits, workerData } from 'node:worker_threads';

const { slot, row } = (workerData ?? {}) as { slot?: number; row?: number };

function fail(how: string): void {
  if (how === 'throw') throw new Error('planned by a test');
  if (how === 'exit') process.exit(7);
  if (how === 'full') {
    sayFull();
    return;
  }
  const held: number[][] = [];
  const most = (resourceLimits.maxOldGenerationSizeMb ?? 0) * 1_048_576;
  // "fill" stops short of the end: whether V8 gives up by then is its own affair.
  while (how !== 'fill' || process.memoryUsage().heapUsed < most * 0.93)
    held.push(new Array<number>(20_000).fill(Math.random()));
  setInterval(() => held.length, 60_000);
}

/** From now on the heap is said to be nearly full, while there is all the room that a thread needs to end in order. */
function sayFull(): void {
  const used = (resourceLimits.maxOldGenerationSizeMb ?? 0) * 1_048_576 * 0.9;
  const { getHeapSpaceStatistics } = v8;
  v8.getHeapSpaceStatistics = () =>
    getHeapSpaceStatistics().map((space) =>
      space.space_name === 'old_space' ? { ...space, space_used_size: used } : space,
    );
  syncBuiltinESMExports();
}

if (slot !== undefined) {
  diagnostics.subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    response.setHeader('x-test-worker', `${slot}.${row}`);
    const [how = '', place] = String(request.headers['x-test-fail'] ?? '').split('@');
    if (how !== '' && place === `${slot}.${row}`) setTimeout(() => fail(how), 50);
  });
  const { TEST_FAIL_WHILE: file } = process.env;
  if (file !== undefined && slot === 1)
    setInterval(() => {
      if (existsSync(file)) fail('throw');
    }, 100).unref();
  const { TEST_POISON: poison } = process.env;
  if (poison !== undefined && slot === 2) {
    const { URL: RealUrl } = globalThis;
    globalThis.URL = class extends RealUrl {
      constructor(given: string | URL, base?: string | URL) {
        if (String(given).includes(poison ?? '')) throw new TypeError('planned by a test');
        super(given, base);
      }
    };
  }
}
