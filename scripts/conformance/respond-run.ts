// What a real instance writes in its journal: an incident of each type, opened, answered by its playbook with people at hand, and closed.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRespond } from '../../src/app/respond.ts';
import { loadConfig } from '../../src/config.ts';
import type { JsonObject } from '../../src/platform/base/json.ts';
import { segmentPattern } from '../../src/platform/journal/chain.ts';
import { openJournals } from '../../src/platform/journal/journals.ts';
import { linesOf } from '../../src/platform/journal/lines.ts';
import { readRecord } from '../../src/platform/journal/record.ts';
import { openStore } from '../../src/platform/store/store.ts';

/** Long enough for every playbook to have come to people, on a slow machine too. */
const mostMs = 40_000;

/** Nothing is turned on: no action changes anything, people do all of it, as here an answer that comes at once. */
export async function respondRun(): Promise<JsonObject[]> {
  const data = mkdtempSync(join(tmpdir(), 'rempart-conformance-'));
  const closers: (() => Promise<void>)[] = [() => Promise.resolve(rmSync(data, { recursive: true, force: true }))];
  const atEnd = (end: () => Promise<void>) => void closers.push(end);
  try {
    const config = loadConfig({ file: join(data, 'rempart.yaml'), asked: false, env: {} });
    const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'journal.key.pem') });
    const store = await openStore({ path: join(data, 'store.sqlite') });
    atEnd(() => store.close());
    const silent = () => undefined;
    const log = { debug: silent, info: silent, warn: silent, error: silent };
    const respond = await openRespond({ config, data, store, journals, log, now: Date.now }, atEnd);
    const ask = (command: string, args: JsonObject) => respond.commands[command]!(args);
    respond.engine.work();
    for (const { id } of respond.taxonomy.all)
      await ask('incident.open', { type: id, subject: '192.0.2.7', note: 'rehearsed', run: true, by: 'ada' });
    for (const { id } of await respond.incidents.list({ limit: 100 })) await ask('incident.ack', { id, by: 'ada' });
    await answerAll(respond);
    for (const { id, status } of await respond.incidents.list({ limit: 100 })) {
      if (status !== 'resolved') await ask('incident.resolve', { id, by: 'ada' });
      await ask('incident.close', { id, verdict: 'test', by: 'ada' });
    }
    for (let end = closers.pop(); closers.length > 0; end = closers.pop()) await end?.();
    await journals.close();
    return await eventsIn(join(data, 'journal', 'respond'));
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

async function answerAll({ tasks, runs }: Awaited<ReturnType<typeof openRespond>>): Promise<void> {
  const until = Date.now() + mostMs;
  while (Date.now() < until) {
    for (const { id, planHash, about } of await tasks.list({ state: 'open' })) {
      const asked = (about['outArgs'] ?? []) as string[];
      const values = Object.fromEntries(asked.map((name) => [name, 'true']));
      await tasks.decide(id, { by: 'ada', grant: true, planHash, values });
    }
    if ((await runs.list({ states: ['waiting', 'running'] })).length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function eventsIn(folder: string): Promise<JsonObject[]> {
  const events: JsonObject[] = [];
  for (const file of readdirSync(folder).filter((name) => segmentPattern.test(name)))
    for await (const { bytes } of linesOf(join(folder, file))) {
      const read = readRecord(bytes);
      if (read.kind === 'record') events.push(read.record.event as JsonObject);
    }
  return events;
}
