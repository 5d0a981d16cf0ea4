// How long it takes from a cause to its detection, on real files, journals, sockets and processes.
//
//   node bench/detect-latency.ts [TIMES]
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../src/platform/base/log.ts';
import { openContainerEngine } from '../src/platform/containers/container-engine.ts';
import { deploymentSchema } from '../src/platform/documents/deployment.ts';
import { openJournals } from '../src/platform/journal/journals.ts';
import { createSignals } from '../src/platform/signals.ts';
import type { Detection } from '../src/respond/detectors/detector.ts';
import { createDetectors } from '../src/respond/detectors/detectors.ts';
import { detectorsSchema } from '../src/respond/detectors/detectors-config.ts';
import { engineExecutions } from '../src/respond/detectors/engine-executions.ts';
import { watchDetectors } from '../src/respond/detectors/hub.ts';
import { startProcessEngine } from '../src/respond/drills/process-engine.ts';
import { checkState } from '../src/respond/rollback/check-state.ts';
import { statesOf } from '../src/respond/rollback/named-state.ts';

const times = Number(process.argv[2] ?? 10);
const folder = mkdtempSync(join(tmpdir(), 'rl-'));
const data = join(folder, 'data');
mkdirSync(data);
const file = (name: string) => join(folder, name);
const good = '[decision]\nlast = "normal"\n';
writeFileSync(file('app.log'), '');
writeFileSync(file('audit.log'), '');
writeFileSync(file('core.toml'), good);
const journals = await openJournals({ dir: join(data, 'journal'), keyFile: file('key.pem') });
const journal = await journals.stream('gateway');
const engine = await startProcessEngine({ dir: folder, now: Date.now, owned: () => {} }, [
  { name: 'core', image: 'core:1', networks: ['private'] },
]);
const client = openContainerEngine({ socketPath: engine.socket });
const executions = engineExecutions({ socketPath: engine.socket });
const signals = createSignals();
const deployment = deploymentSchema.parse({
  name: 'latency',
  services: [{ name: 'core', role: 'core', order: 1 }],
  states: [{ name: 'core', path: 'core.toml', format: 'toml' }],
  logs: ['app.log'],
});
const taken: Detection[] = [];
const hub = watchDetectors(
  {
    detectors: createDetectors({
      settings: detectorsSchema.parse({}),
      ...{ signals, deployment, folder, data, auditFile: file('audit.log'), engine: { client, executions } },
      states: {
        list: statesOf(deployment, folder, data),
        check: (state) => checkState(state, { maxBytes: 1e7, maxFiles: 10 }),
      },
    }),
    detected: (detection) => taken.push(detection),
    ...{ now: Date.now, log: createLog('silent') },
  },
  { repeatMs: 1, subjectsPerMinute: 1_000 },
);
await wait(2_000);

let count = 0;
const causes: Record<string, { detector: string; act(): unknown; mend?(): void }> = {
  'a signal': {
    detector: 'signals',
    act: () => signals.emit({ kind: 'database-down', severity: 'high', time: Date.now(), facts: {} }),
  },
  'a line of a log': {
    detector: 'log-files',
    act: () => appendFileSync(file('app.log'), 'kernel: Out of memory: Killed process 7 (x)\n'),
  },
  'a forged entry': {
    detector: 'log-injection',
    act: () => appendFileSync(file('app.log'), 'INFO \u001b]0;x\u0007\n'),
  },
  'a record of the journal': {
    detector: 'journal-patterns',
    act: () => journal.append({ class_uid: 6002, app: { name: 'journal' }, unmapped: { signedUpTo: 9 } }),
  },
  'an event of the audit log': {
    detector: 'auditd',
    act: () =>
      appendFileSync(
        file('audit.log'),
        `type=SYSCALL msg=audit(${Math.floor(Date.now() / 1_000)}.000:${++count}): arch=c000003e syscall=308 success=yes uid=100000 exe="/x" subj=docker-default\ntype=EOE msg=audit(1.000:${count}): \n`,
      ),
  },
  'a state cut off': {
    detector: 'state-files',
    act: () => truncateSync(file('core.toml'), 4),
    mend: () => writeFileSync(file('core.toml'), good),
  },
  'a command with all rights in a container': {
    detector: 'container-events',
    act: () => post('/containers/core/exec', { Cmd: ['sleep', '1'], Privileged: true, User: '0' }),
  },
};

console.log(`${'cause'.padEnd(42)} ${'detector'.padEnd(18)} median ms   max ms   seen`);
let bad = 0;
for (const [name, { detector, act, mend }] of Object.entries(causes)) {
  const found: number[] = [];
  for (let round = 0; round < times; round++) {
    mend?.();
    await wait(mend === undefined ? 300 + ((round * 37) % 300) : 1_500);
    const from = taken.length;
    const since = performance.now();
    await act();
    while (performance.now() - since < 5_000 && !taken.slice(from).some((one) => one.detector === detector))
      await wait(2);
    if (taken.slice(from).some((one) => one.detector === detector)) found.push(performance.now() - since);
  }
  found.sort((one, other) => one - other);
  const median = found[Math.floor(found.length / 2)] ?? Number.NaN;
  const most = found.at(-1) ?? Number.NaN;
  if (found.length < times || median >= 1_000) bad++;
  console.log(
    `${name.padEnd(42)} ${detector.padEnd(18)} ${median.toFixed(0).padStart(9)} ${most.toFixed(0).padStart(8)} ${`${found.length}/${times}`.padStart(6)}`,
  );
}
await hub.close();
await Promise.all([client.close(), executions.close(), journals.close()]);
await engine.close();
rmSync(folder, { recursive: true, force: true });
process.exitCode = bad === 0 ? 0 : 1;

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function post(path: string, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    request({ socketPath: engine.socket, path, method: 'POST', headers }, (answer) => {
      answer.resume().on('end', () => resolve());
    })
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}
