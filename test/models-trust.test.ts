// `rempart models trust`: what is signed and what is not, which list is believed, what is compared, and what is said of what is missing.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from './instance.ts';
import { bench, briefly, evil, flip, place } from './models-command-rig.ts';
import { blobOf, layer, manifestOf, ordinaryLayers, putModel } from './models-rig.ts';

test('models verify believes no list that was changed, signed with another key, or is older than the last', async () => {
  const b = await bench();
  const list = join(b.data, 'models', 'trusted.json');
  const good = readFileSync(list, 'utf8');
  const expect = async (what: string) => {
    const document = await b.document('verify');
    assert.deepEqual(briefly(document), [[what, null, null]]);
    assert.ok(document.models.every(({ state }) => state === 'refused'));
  };
  writeFileSync(list, good.replace(/"manifest":"./, '"manifest":"0').replace(/"trustedAt":\d/, '"trustedAt":9'));
  await expect('list-signature');
  assert.equal((await b.models('verify')).code, 1);
  assert.match((await b.models('trust', 'llama3')).stderr, /ERR_MODELS_LIST/);
  writeFileSync(list, 'no list');
  await expect('list-unreadable');
  writeFileSync(list, good);
  assert.equal((await b.models('trust', 'llama3')).code, 0);
  writeFileSync(list, good);
  await expect('list-older');
  unlinkSync(list);
  await expect('list-older');
  const other = await bench();
  rmSync(join(other.data, 'models.key.pem'));
  assert.equal((await other.models('trust', '--all')).code, 0);
  copyFileSync(join(other.data, 'models', 'trusted.json'), list);
  await expect('list-key');
  assert.equal((await b.models('trust', '--all')).code, 0);
  assert.equal((await b.models('verify')).code, 0);
});

test('models trust signs nothing when a layer is altered, a source is not allowed or a model is remote; --undo goes back', async () => {
  const b = await bench();
  putModel(b.store, 'evil.example/ns/thing/latest', ordinaryLayers('thing'));
  const refused = await b.models('trust', 'evil.example/ns/thing');
  assert.equal(refused.code, 1);
  assert.match(
    refused.stdout,
    /^Nothing was signed: 1 difference found\.|it comes from a source that is not allowed \(evil\.example\/ns\)/m,
  );
  assert.equal((await b.models('trust', 'evil.example/ns/thing', '--source', 'evil.example/ns')).code, 0);
  assert.equal((await b.document('verify')).list.models, 3);
  const undone = await b.models('trust', '--undo');
  assert.equal(undone.stdout, 'Back to the list before, signed anew as list 3: 2 models.\n');
  assert.deepEqual(briefly(await b.document('verify')), [['model-unknown', 'evil.example/ns/thing:latest', null]]);
  flip(join(b.store, blobOf(b.llama.config.digest)), 5, 2);
  assert.match((await b.models('trust', 'llama3')).stdout, /the bytes of the layer "configuration" were altered/);
  assert.equal((await b.models('trust')).code, 2);
  assert.match((await b.models('trust', 'nobody')).stderr, /"nobody" is not in the store \(ERR_MODELS_UNKNOWN\)/);
});

test('models trust compares each digest with the publisher and each model with the server, where it may', async () => {
  const b = await bench();
  let published = '';
  let served = b.llama.manifest;
  const server = createServer((req, res) => {
    if (req.url === '/v2/ns/thing/manifests/latest') res.end(published);
    else if (req.url === '/api/tags') {
      const digest = layer('manifest', served).digest;
      res.end(JSON.stringify({ models: [{ name: 'llama3:latest', model: 'llama3:latest', digest }] }));
    } else if (req.url === '/api/show') res.end(JSON.stringify({ system: 'You are llama3.' }));
    else res.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const thing = putModel(b.store, `${host}/ns/thing/latest`, ordinaryLayers('thing'));
    const trust = () => b.models('trust', `${host}/ns/thing`, '--compare-publisher', '--source', host);
    published = JSON.stringify(JSON.parse(thing.manifest), null, 2);
    assert.match((await trust()).stdout, /thing:latest +9 layers, same as its publisher's/);
    published = manifestOf(thing.config, [...thing.layers.filter(({ type }) => type !== 'template'), evil]);
    const differs = await trust();
    assert.equal(differs.code, 1);
    assert.match(differs.stdout, /thing:latest: the layer "template" is not the publisher's/);
    assert.match((await b.models('trust', 'llama3', '--api', `http://${host}`)).stdout, /^Signed list/);
    served = 'another manifest';
    assert.match(
      (await b.models('trust', 'llama3', '--api', `http://${host}`)).stdout,
      /the server does not serve what lies on disk/,
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
  const away = await b.models('trust', 'llama3', '--api', `http://${host}`);
  assert.equal(away.code, 3);
  assert.match(away.stderr, /^Ollama does not answer at .* \(ERR_MODELS_API\)/);
});

test('models speaks French, says what is missing, and keeps key and list to their owner', async () => {
  const b = await bench();
  flip(join(b.store, blobOf(b.llama.layers[4]!.digest)), 0, 0);
  const { stdout } = await b.models('verify', '--lang', 'fr');
  assert.match(stdout, /llama3:latest : les octets de la couche « consigne système » ont été altérés/);
  const nowhere = await run(['models', 'verify', '--store', join(place.dir, 'nowhere'), '--data', b.data], {
    cwd: place.dir,
  });
  assert.equal(nowhere.code, 3);
  assert.match(nowhere.stderr, /^The model store ".*nowhere" cannot be read \(ENOENT\) \(ERR_MODELS_STORE\)/);
  mkdirSync(join(place.dir, 'bare', 'blobs'), { recursive: true });
  const bare = await run(['models', 'trust', '--all', '--store', 'bare', '--data', 'empty'], { cwd: place.dir });
  assert.equal(bare.code, 3);
  assert.match(bare.stderr, /^The store ".*bare" holds no model to vouch for \(ERR_MODELS_EMPTY\)/);
  const none = await run(['models', 'verify', '--store', b.store, '--data', join(place.dir, 'empty')], {
    cwd: place.dir,
  });
  assert.equal(none.code, 3);
  assert.deepEqual(readdirSync(join(b.data, 'models')), ['hashes.json', 'trusted.json', 'trusted.mark.json']);
  for (const args of [['verify', '--cheap', '--full'], ['nothing'], ['verify', '--from', 'x'], ['restore', 'llama3']])
    assert.equal((await b.models(...args)).code, 2, args.join(' '));
});
