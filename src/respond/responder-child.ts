// For tests: a responder in a process of its own, which kills itself before or after the statement or record it is told.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { KyselyPlugin } from 'kysely';
import { openJournals } from '../platform/journal/journals.ts';
import { openStore } from '../platform/store/store.ts';
import type { Detection } from './detectors/detector.ts';
import { createActions } from './engine/action.ts';
import { createAllowance, defaultAllowance } from './engine/allowance.ts';
import { createEngine } from './engine/engine.ts';
import { exampleActions } from './engine/example.ts';
import { createRunLog } from './engine/run-log.ts';
import { createTasks } from './engine/tasks.ts';
import { createIncidents } from './incidents/create-incidents.ts';
import { followRuns } from './incidents/follow-runs.ts';
import { incidentActions } from './incidents/incident-actions.ts';
import { loadPlaybooks } from './playbooks/library.ts';
import { createResponder } from './responder.ts';
import { loadTaxonomy } from './taxonomy/load-taxonomy.ts';

const { dir, detection, killAt } = JSON.parse(process.argv[2] ?? '{}') as {
  dir: string;
  /** Null: only what is left is caught up with. */
  detection: Detection | null;
  killAt: number;
};

let passed = 0;
const boundary = () => {
  if (++passed === killAt) process.kill(process.pid, 'SIGKILL');
};
/** Before each statement is sent and after its answer; the engine's own looks for work are not counted. */
const counted: KyselyPlugin = {
  transformQuery({ node }) {
    if (node.kind !== 'SelectQueryNode') boundary();
    return node;
  },
  async transformResult({ result }) {
    if (result.rows.length === 0) boundary();
    return result;
  },
};

const opened = await openStore({ path: join(dir, 'store.sqlite') });
const store = { ...opened, db: opened.db.withPlugin(counted) };
const journals = await openJournals({ dir: join(dir, 'journal'), keyFile: join(dir, 'journal.key.pem') });
const stream = await journals.stream('respond');
const journal: typeof stream = {
  ...stream,
  async append(event) {
    boundary();
    const receipt = await stream.append(event);
    boundary();
    return receipt;
  },
};
const parts = { store, journal, log: console, now: Date.now, taxonomy: loadTaxonomy() };
const runs = createRunLog(opened);
const incidents = createIncidents(parts);
const playbooks = await loadPlaybooks(join(dir, 'playbooks'));
const actions = createActions([
  ...exampleActions(join(dir, 'effects'), boundary),
  ...incidentActions({ incidents, runs, actions: () => actions }),
]);
const engine = createEngine(
  {
    ...{ ...parts, store: opened, runs, actions, tasks: createTasks(opened), findPlaybook: playbooks.findPlaybook },
    allowance: createAllowance({ ...defaultAllowance, enabled: ['example.*'] }, Date.now),
    ...followRuns({ ...parts, incidents, actions }),
  },
  { leaseMs: 300, everyMs: 20, most: 4 },
);
const responder = createResponder({
  ...{ ...parts, incidents, engine, runs, playbooks },
  waitingFile: join(dir, 'detections.json'),
});
await responder.catchUp();
if (detection !== null) {
  const incident = await responder.detected(detection);
  // Said at once: what was acknowledged must be found after a kill.
  writeSync(1, `${JSON.stringify({ acknowledged: incident?.id })}\n`);
}
for (const { id } of await incidents.list({ open: true }))
  await engine.ended(`run_${id}`, AbortSignal.timeout(120_000));
await engine.close();
await responder.catchUp();
await responder.close();
const all = await incidents.list();
await journals.close();
await opened.close();
console.log(JSON.stringify({ passed, incidents: all }));
