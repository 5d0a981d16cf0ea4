// Models watched: a line for each difference as it appears, signals, a metric, and a gateway that refuses what is not verified.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makePlace, run, start, startInstance, until } from './instance.ts';
import { blobOf, layer, library, manifestOf, ordinaryLayers, putModel } from './models-rig.ts';
import { createStandin } from './models-standin.ts';

const place = makePlace();
after(place.remove);
let made = 0;

async function bench() {
  const root = join(place.dir, String(++made));
  const store = join(root, 'models');
  const data = join(root, 'data');
  const llama = putModel(store, `${library}/llama3/latest`, ordinaryLayers('llama3'));
  const mistral = putModel(store, `${library}/mistral/7b`, ordinaryLayers('mistral'));
  const models = (...args: string[]) => run(['models', ...args, '--store', store, '--data', data], { cwd: root });
  assert.equal((await models('trust', '--all')).code, 0);
  return { root, store, data, llama, mistral, models };
}

function alter(file: string): Buffer {
  const good = readFileSync(file);
  const bad = Buffer.from(good);
  bad[7]! ^= 16;
  writeFileSync(file, bad);
  return good;
}

interface Told {
  event: string;
  finding?: { what: string; model: string | null; layer: string | null; detail: string | null };
}

test('models watch tells of a difference as it appears and goes, and of what the server has loaded', async () => {
  const b = await bench();
  const evil = layer('manifest', 'another manifest').digest;
  let loaded = [{ name: 'llama3:latest', model: 'llama3:latest', digest: layer('manifest', b.llama.manifest).digest }];
  const server = createServer((req, res) => {
    res.end(JSON.stringify(req.url === '/api/version' ? { version: '0.1.33' } : { models: loaded }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ['models', 'watch', '--json', '--every', '1', '--api', api, '--store', b.store, '--data', b.data];
  const watching = start(args, { cwd: b.root });
  const told = () =>
    watching
      .stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Told);
  const has = (event: string, what: string) =>
    until(() => told().some((one) => one.event === event && one.finding?.what === what));
  try {
    await has('found', 'version-vulnerable');
    assert.match(
      told().find(({ finding }) => finding?.what === 'version-vulnerable')?.finding?.detail ?? '',
      /CVE-2024-37032/,
    );
    const file = join(b.store, blobOf(b.llama.layers[3]!.digest));
    const good = alter(file);
    await has('found', 'blob-altered');
    const { finding } = told().find((one) => one.finding?.what === 'blob-altered')!;
    assert.deepEqual([finding?.model, finding?.layer], ['llama3:latest', 'template']);
    writeFileSync(file, good);
    await has('gone', 'blob-altered');
    loaded = [{ name: 'llama3:latest', model: 'llama3:latest', digest: evil }];
    await has('found', 'loaded-differs');
    server.close();
    server.closeAllConnections();
    await until(() => told().some(({ event }) => event === 'api-away'));
  } finally {
    watching.child.kill('SIGINT');
    server.close();
    server.closeAllConnections();
  }
  // Something differed when it was stopped: the server's version and what it had loaded.
  assert.equal((await watching.ended).code, 1);
});

test('models watch --on-mismatch quarantine moves what is altered, and leaves what is only unknown', async () => {
  const b = await bench();
  putModel(b.store, `${library}/stray/latest`, ordinaryLayers('stray'));
  alter(join(b.store, blobOf(b.mistral.layers[4]!.digest)));
  const args = ['models', 'watch', '--on-mismatch', 'quarantine', '--store', b.store, '--data', b.data];
  const watching = start(args, { cwd: b.root });
  await until(() => watching.stdout().includes('"mistral:7b" is in quarantine'));
  watching.child.kill('SIGINT');
  const { stdout } = await watching.ended;
  assert.match(stdout, /stray:latest: nobody has vouched for this model/);
  assert.doesNotMatch(stdout, /"stray:latest" is in quarantine|"llama3:latest" is in quarantine/);
});

test('up refuses a model that is not verified, in the dialect of the caller, and again takes it once it is', async () => {
  const b = await bench();
  const upstream = await createStandin();
  writeFileSync(
    join(b.root, 'rempart.yaml'),
    `providers:\n  - name: local\n    dialect: ollama\n    url: ${upstream.url}\nmodels:\n  store: ${b.store}\n  every: 1\n`,
  );
  const instance = await startInstance(['--data', b.data], { cwd: b.root });
  const headers = { authorization: `Bearer ${instance.apiKey}`, 'content-type': 'application/json' };
  const asked: Record<number, number> = {};
  const ask = async (path: string, model: string) => {
    const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }], stream: false });
    const answer = await fetch(`${instance.gatewayUrl}${path}`, { method: 'POST', headers, body });
    asked[answer.status] = (asked[answer.status] ?? 0) + 1;
    return { status: answer.status, body: (await answer.json()) as { error?: string & { code: string } } };
  };
  try {
    assert.equal((await ask('/api/chat', 'LLAMA3')).status, 200);
    assert.equal((await ask('/v1/chat/completions', 'mistral:7b')).status, 200);
    const unknown = await ask('/v1/chat/completions', 'nobody');
    assert.deepEqual([unknown.status, unknown.body.error?.code], [403, 'ERR_MODEL_UNVERIFIED']);
    const file = join(b.store, blobOf(b.llama.layers[0]!.digest));
    const good = alter(file);
    const refused = await ask('/api/chat', 'llama3');
    assert.equal(refused.status, 403);
    assert.match(String(refused.body.error), /not verified/);
    assert.equal((await ask('/api/chat', 'mistral:7b')).status, 200);
    writeFileSync(file, good);
    assert.equal((await ask('/api/chat', 'llama3')).status, 200);
    // A template that was swapped behind a good manifest's name.
    writeFileSync(join(b.store, b.llama.path), manifestOf(b.llama.config, b.llama.layers.slice(0, 4)));
    assert.equal((await ask('/api/chat', 'llama3:latest')).status, 403);
    // Through the instance, whose journal has one writer; then the list takes effect.
    assert.equal((await b.models('trust', 'llama3')).code, 0);
    await until(async () => (await ask('/api/chat', 'llama3')).status === 200);
    const list = join(b.data, 'models', 'trusted.json');
    writeFileSync(list, readFileSync(list, 'utf8').replace(/"trustedAt":\d/, '"trustedAt":9'));
    assert.equal((await ask('/api/chat', 'llama3')).status, 403);
    assert.equal((await ask('/api/chat', 'mistral:7b')).status, 403);
    const metrics = await (await fetch(`${instance.consoleUrl}/metrics`)).text();
    assert.ok(metrics.includes(`rempart_model_load_attempts_total{result="verified"} ${asked[200]}\n`), metrics);
    assert.ok(metrics.includes(`rempart_model_load_attempts_total{result="refused"} ${asked[403]}\n`), metrics);
    await until(() => instance.stderr().includes('list-signature'));
    assert.match(instance.stderr(), /"signal":"model-integrity","severity":"critical"/);
  } finally {
    await instance.stop();
    await upstream.close();
  }
});

test('up with onMismatch: quarantine moves an altered model away, and Mistral’s own client is told in its words', async () => {
  const b = await bench();
  const upstream = await createStandin();
  const provider = `providers:\n  - name: local\n    dialect: ollama\n    url: ${upstream.url}\n`;
  const models = `models: { store: ${b.store}, every: 1, onMismatch: quarantine }\n`;
  writeFileSync(join(b.root, 'rempart.yaml'), `${provider}${models}metrics: { bareNames: true }\n`);
  const instance = await startInstance(['--data', b.data], { cwd: b.root });
  const headers = {
    authorization: `Bearer ${instance.apiKey}`,
    'content-type': 'application/json',
    'user-agent': 'mistral-client-typescript/1.10.0',
  };
  const ask = async (model: string, stream: boolean) => {
    const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }], stream });
    const answer = await fetch(`${instance.gatewayUrl}/v1/chat/completions`, { method: 'POST', headers, body });
    const { object, type, code } = (await answer.json()) as Record<string, unknown>;
    return { status: answer.status, object, type, code };
  };
  const refusal = { status: 403, object: 'error', type: 'authentication_error', code: 'ERR_MODEL_UNVERIFIED' };
  try {
    assert.equal((await ask('llama3', false)).status, 200);
    const manifest = join(b.store, b.mistral.path);
    alter(join(b.store, blobOf(b.mistral.layers[0]!.digest)));
    await until(() => !existsSync(manifest));
    for (const stream of [false, true]) assert.deepEqual(await ask('mistral:7b', stream), refusal);
    assert.equal((await ask('llama3', false)).status, 200);
    const quarantined = readdirSync(join(b.store, 'rempart-quarantine'));
    assert.deepEqual([quarantined.length, quarantined[0]?.includes('mistral_7b')], [1, true]);
    const metrics = await (await fetch(`${instance.consoleUrl}/metrics`)).text();
    assert.match(metrics, /^model_load_attempts_total\{result="refused"\} 2$/m);
  } finally {
    await instance.stop();
    await upstream.close();
  }
});
