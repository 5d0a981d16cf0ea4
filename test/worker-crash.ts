// Loaded into every thread of an instance under test: says in each answer which worker gave it, and makes one of them fail when a test wants it.
import diagnostics from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { resourceLimits, workerData } from 'node:worker_threads';

const { slot, row } = (workerData ?? {}) as { slot?: number; row?: number };

const kept: unknown[] = [];

function fail(how: string): void {
  if (how === 'throw') throw new Error('planned by a test');
  if (how === 'exit') process.exit(7);
  const full: number[][] = [];
  if (how === 'fill') {
    if (kept.length > 0) return;
    const most = (resourceLimits.maxOldGenerationSizeMb ?? 0) * 1_048_576;
    while (process.memoryUsage().heapUsed < most * 0.93) full.push(new Array<number>(20_000).fill(Math.random()));
    kept.push(full);
    return;
  }
  for (;;) full.push(new Array<number>(100_000).fill(Math.random()));
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
