import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { driftSchema } from '../src/platform/documents/drift.ts';
import { openJournals } from '../src/platform/journal/journals.ts';
import {
  compareBaseline,
  deedsSince,
  driftSignal,
  readBaseline,
  takeBaseline,
} from '../src/protect/posture/baseline/baseline.ts';
import type { BaselineInputs } from '../src/protect/posture/baseline/observe.ts';
import { recordOperation } from '../src/protect/posture/models/record.ts';
import { defaultSources } from '../src/protect/posture/models/sources.ts';
import { trustModels } from '../src/protect/posture/models/trust.ts';
import { listFiles } from '../src/protect/posture/models/trusted-list.ts';
import { library, ordinaryLayers, putModel } from './models-rig.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-baseline-'));
after(() => rmSync(root, { recursive: true, force: true }));
const data = join(root, 'data');
mkdirSync(data);
const configFile = join(root, 'rempart.yaml');
const compose = join(root, 'compose.yaml');
const plantedOld = 'Tr0ub4dor-old-canary';
const plantedNew = 'Tr0ub4dor-new-canary';
const config = (host: string, password: string, webhook: string) =>
  `gateway:\n  host: ${host}\n  port: 8080\nstore: {}\nalerts:\n  webhook: ${webhook}\nmine:\n  password: ${password}\n  dsn: postgres://u:${password}@h/db\n  link: https://u:${password}@h/\nproviders:\n  - name: m\n    key: env:A\n`;
const inputs: BaselineInputs = {
  data,
  configFile,
  files: [compose],
  findings: [
    { rule: 'compose/privileged', severity: 'high', file: 'compose.yaml', service: 'api', setting: 'privileged' },
  ],
  ports: [{ protocol: 'tcp', address: '127.0.0.1', port: 8080, process: 'node' }],
};
writeFileSync(configFile, config('127.0.0.1', plantedOld, 'https://hooks.example/T0/aaa'));
writeFileSync(compose, 'services: {}\n');
const takenAt = Date.now() - 60_000;
takeBaseline(inputs, { now: takenAt, by: 'alice' });

test('compareBaseline() finds nothing where nothing changed', () => {
  const drift = compareBaseline(readBaseline(data), inputs, Date.now());
  assert.deepEqual(drift.changes, []);
  assert.equal(driftSignal(drift, 1), undefined);
});

test('compareBaseline() names each key with before and after, when, by whom if the journal knows, and no secret', async () => {
  writeFileSync(configFile, config('0.0.0.0', plantedNew, 'https://hooks.example/T0/bbb').replace('env:A', 'env:B'));
  writeFileSync(compose, 'services: { api: {} }\n');
  const store = join(root, 'models');
  putModel(store, `${library}/llama3/latest`, ordinaryLayers('llama3'));
  await trustModels(store, listFiles(data), { sources: defaultSources(), now: Date.now });
  const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'journal.key.pem') });
  const journal = await journals.stream('gateway');
  const facts = { models: ['llama3:latest'] };
  await recordOperation(journal, { operation: 'models trust', by: 'bob', ok: true, facts }, Date.now());
  await journals.close();
  const now = {
    ...inputs,
    findings: [],
    ports: [...inputs.ports!, { protocol: 'tcp', address: '0.0.0.0', port: 11434, process: 'ollama' }],
  };
  const drift = driftSchema.parse(
    compareBaseline(readBaseline(data), now, Date.now(), await deedsSince(data, takenAt)),
  );
  assert.deepEqual(
    drift.changes.map(({ area, key, kind, before, after: is, by }) => [
      area,
      key.replace(root, ''),
      kind,
      before,
      area === 'models' || area === 'file' ? '' : is,
      by,
    ]),
    [
      ['config', 'alerts.webhook', 'changed', '••••', '••••', null],
      ['config', 'gateway.host', 'changed', '127.0.0.1', '0.0.0.0', null],
      ['config', 'mine.dsn', 'changed', '••••', '••••', null],
      ['config', 'mine.link', 'changed', '••••', '••••', null],
      ['config', 'mine.password', 'changed', '••••', '••••', null],
      ['config', 'providers.0.key', 'changed', 'env:A', 'env:B', null],
      ['file', '/compose.yaml', 'changed', drift.changes.find(({ area }) => area === 'file')?.before, '', null],
      ['finding', 'compose/privileged compose.yaml api privileged', 'removed', 'high', null, null],
      ['port', 'tcp 0.0.0.0:11434', 'added', null, 'ollama', null],
      ['models', 'llama3:latest', 'added', null, '', 'bob'],
    ],
  );
  assert.ok(drift.changes.filter(({ area }) => area === 'config').every(({ at }) => at !== null));
  assert.equal(driftSignal(drift, 1)?.severity, 'high');
  for (const text of [JSON.stringify(drift), readFileSync(join(data, 'baseline.json'), 'utf8')])
    assert.doesNotMatch(text, /Tr0ub4dor|hooks\.example/);
});

test('compareBaseline() says nothing of ports when nobody looked at them', () => {
  const { ports: _, ...unseen } = inputs;
  const drift = compareBaseline(readBaseline(data), unseen, Date.now());
  assert.ok(drift.changes.every(({ area }) => area !== 'port'));
});

test('readBaseline() believes none that was changed, put back or taken away', () => {
  const file = join(data, 'baseline.json');
  const first = readFileSync(file, 'utf8');
  writeFileSync(file, first.replace('127.0.0.1', '127.0.0.2'));
  assert.deepEqual(readBaseline(data), { kind: 'bad', why: 'signature' });
  assert.equal(driftSignal(compareBaseline(readBaseline(data), inputs, 1), 1)?.severity, 'critical');
  takeBaseline(inputs, { now: Date.now(), by: 'alice' });
  assert.equal(readBaseline(data).kind, 'baseline');
  writeFileSync(file, first);
  assert.deepEqual(readBaseline(data), { kind: 'bad', why: 'older' });
  rmSync(file);
  assert.deepEqual(readBaseline(data), { kind: 'bad', why: 'older' });
  assert.deepEqual(readBaseline(root), { kind: 'missing' });
});
