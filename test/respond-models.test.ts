// What actions on models do to a real store: moved away, put back, restored from a clean copy or its archive, fetched anew.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createModelActuator } from '../src/app/model-actuator.ts';
import type { JsonObject } from '../src/platform/base/json.ts';
import { defaultSources } from '../src/protect/posture/models/sources.ts';
import { trustModels } from '../src/protect/posture/models/trust.ts';
import { listFiles } from '../src/protect/posture/models/trusted-list.ts';
import { modelActions } from '../src/respond/actions/models/model-actions.ts';
import type { ServiceActuator } from '../src/respond/actuators.ts';
import type { ActionContext } from '../src/respond/engine/action.ts';
import { blobOf, library, listing, ordinaryLayers, putModel } from './models-rig.ts';

const place = mkdtempSync(join(tmpdir(), 'rempart-models-'));
after(() => rmSync(place, { recursive: true, force: true }));
let made = 0;

async function bench({ backup, api }: { backup?: 'folder' | 'archive'; api?: string } = {}) {
  const root = join(place, String(++made));
  const [store, data, copy] = [join(root, 'models'), join(root, 'data'), join(root, 'clean')];
  const llama = putModel(store, `${library}/llama3/latest`, ordinaryLayers('llama3'));
  putModel(store, `${library}/mistral/7b`, ordinaryLayers('mistral'));
  await trustModels(store, listFiles(data), { sources: defaultSources(), now: Date.now });
  cpSync(store, copy, { recursive: true });
  const archive = join(root, 'clean_models.tar.gz');
  if (backup === 'archive') execFileSync('tar', ['-czf', archive, '-C', root, 'clean']);
  const models = createModelActuator({
    data,
    store,
    backup: backup === undefined ? undefined : backup === 'archive' ? archive : copy,
    api,
    fetch,
  });
  const up = new Set(['ollama', 'assistant', 'core']);
  const deeds: string[] = [];
  const services: ServiceActuator = {
    isRunning: async (name) => up.has(name),
    async stop(names) {
      for (const name of names) up.delete(name);
      deeds.push(`stop ${names.join(' ')}`);
    },
    async start(names) {
      for (const name of names) up.add(name);
      deeds.push(`start ${names.join(' ')}`);
    },
  };
  const service = (name: string, role: 'model' | 'core', order: number) => ({
    name,
    role,
    order,
    pause: '0s',
    zones: [],
  });
  const deployment = {
    services: [service('ollama', 'model', 1), service('assistant', 'model', 2), service('core', 'core', 0)],
  };
  const actions = modelActions({ actuators: { models, services }, deployment });
  const context: ActionContext = {
    incident: null,
    run: 'run_1',
    idempotencyKey: 'key',
    now: Date.now,
    signal: new AbortController().signal,
    outArgs: ['__out__'],
  };
  const plan = async (name: string, args: JsonObject = {}) => {
    const action = actions.find((one) => one.name === name);
    assert(action !== undefined);
    const read = action.args.parse(args);
    const { before, effects } = await action.plan(read, context);
    return {
      targets: effects.map(({ target }) => target),
      probe: async () => (await action.probe(read, context, before)).state,
      act: () => action.act(read, context, before),
      undo: () => action.undo?.(read, context, before),
    };
  };
  const layer = join(store, blobOf(llama.layers[0]?.digest ?? ''));
  const poison = () => {
    const bytes = readFileSync(layer);
    bytes.writeUInt8(bytes.readUInt8(50) ^ 1, 50);
    writeFileSync(layer, bytes);
  };
  return { store, copy, plan, poison, deeds, root };
}

test('models.verify and models.quarantine find the poisoned model and move it away, and undo puts every byte back', async () => {
  const { store, plan, poison } = await bench();
  assert.deepEqual((await (await plan('models.verify')).act()).out, { __out__: 'true' });
  assert.deepEqual((await plan('models.quarantine')).targets, []);
  poison();
  const before = listing(store);
  assert.deepEqual((await (await plan('models.verify')).act()).out, { __out__: 'false' });
  const step = await plan('models.quarantine');
  assert.deepEqual(step.targets, ['llama3:latest']);
  assert.equal(await step.probe(), 'not-done');
  await step.act();
  assert.equal(await step.probe(), 'done');
  assert.equal(
    Object.keys(listing(store)).some((path) => path.startsWith('manifests/') && path.includes('llama3')),
    false,
  );
  await step.undo();
  await step.undo();
  const now = Object.fromEntries(Object.entries(listing(store)).filter(([path]) => !path.startsWith('rempart-')));
  assert.deepEqual(now, before);
});

test('models.quarantine never moves the last healthy model away', async () => {
  const { plan, poison } = await bench();
  poison();
  await assert.rejects(plan('models.quarantine', { model: 'mistral:7b' }), { code: 'ERR_MODEL_LAST' });
  await assert.rejects(plan('models.quarantine', { model: 'unknown' }), { code: 'ERR_MODELS_UNKNOWN' });
});

for (const backup of ['folder', 'archive'] as const)
  test(`models.restore puts the trusted bytes back from a clean ${backup}, after a quarantine too`, async () => {
    const { store, copy, plan, poison } = await bench({ backup });
    poison();
    await (await plan('models.quarantine')).act();
    const step = await plan('models.restore');
    assert.deepEqual(step.targets, ['llama3:latest']);
    assert.equal(await step.probe(), 'not-done');
    await step.act();
    assert.equal(await step.probe(), 'done');
    const now = Object.fromEntries(Object.entries(listing(store)).filter(([path]) => !path.startsWith('rempart-')));
    assert.deepEqual(now, listing(copy));
    assert.deepEqual((await plan('models.restore')).targets, []);
  });

test('models.restore says so when there is no clean copy', async () => {
  const { plan } = await bench();
  await assert.rejects(plan('models.restore'), { code: 'ERR_MODEL_NO_BACKUP' });
  await assert.rejects(plan('models.pull-pinned'), { code: 'ERR_ACTION_UNAVAILABLE' });
});

for (const honest of [true, false])
  test(`models.pull-pinned ${honest ? 'takes what the server fetches' : 'refuses what is not as trusted'}`, async () => {
    let serve = (): void => undefined;
    const asked: unknown[] = [];
    const server = createServer((req, res) => {
      let body = '';
      req.on('data', (chunk) => {
        body += chunk;
      });
      req.on('end', () => {
        asked.push([req.url, JSON.parse(body)]);
        serve();
        res.end('{"status":"success"}');
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const { store, copy, plan, poison } = await bench({ api: `http://127.0.0.1:${port}` });
    if (honest) serve = () => cpSync(copy, store, { recursive: true });
    poison();
    const step = await plan('models.pull-pinned');
    if (honest) await step.act();
    else await assert.rejects(step.act(), { code: 'ERR_MODEL_UNVERIFIED' });
    assert.deepEqual(asked, [['/api/pull', { model: 'llama3:latest', stream: false }]]);
    assert.equal(await step.probe(), honest ? 'done' : 'not-done');
    await new Promise((done) => server.close(done));
  });

test('models.stop stops what serves models, the last to start first, and undo starts what was running', async () => {
  const { plan, deeds } = await bench();
  const step = await plan('models.stop');
  assert.deepEqual(step.targets, ['assistant', 'ollama']);
  assert.equal(await step.probe(), 'not-done');
  await step.act();
  assert.equal(await step.probe(), 'done');
  await step.undo();
  assert.deepEqual(deeds, ['stop assistant ollama', 'start ollama assistant']);
});
