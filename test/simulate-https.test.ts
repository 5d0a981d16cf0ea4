// A target that nobody can point elsewhere: its provider's https address stands in its code, and its calls are broken all the same.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Simulation, simulationSchema } from '../src/platform/documents/simulation.ts';
import { makePlace, run } from './instance.ts';

const bot = `
import { createServer } from 'node:http';
createServer(async (req, res) => {
  let text = '';
  for await (const chunk of req) text += chunk;
  if (req.url === '/ready') return res.end('ok');
  try {
    const answer = await fetch('https://api.provider.invalid/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer ' + process.env.LLM_API_KEY },
      body: JSON.stringify({ model: 'm', stream: false, messages: [{ role: 'user', content: JSON.parse(text).message }] }),
      signal: AbortSignal.timeout(3000),
    });
    if (!answer.ok) throw new Error('no');
    res.end(JSON.stringify({ reply: (await answer.json()).choices[0].message.content }));
  } catch {
    res.writeHead(503).end(JSON.stringify({ error: 'The service is unavailable. Please try again in a minute.' }));
  }
}).listen(Number(process.env.PORT), '127.0.0.1');
`;

const profile = `
name: hard-coded
start:
  command: [node, bot.mjs]
  env:
    PORT: "\${port}"
    LLM_API_KEY: "\${upstream.key}"
    HTTPS_PROXY: "\${proxy.url}"
    NODE_USE_ENV_PROXY: "1"
    NODE_EXTRA_CA_CERTS: "\${proxy.ca}"
  ready: { url: "http://127.0.0.1:\${port}/ready", within: 120s }
ask:
  request: { method: POST, url: "http://127.0.0.1:\${port}/chat", body: { message: "\${question}" } }
  answer: /reply
upstream: { hosts: [HOST] }
`;

const place = makePlace();
after(place.remove);
writeFileSync(join(place.dir, 'bot.mjs'), bot);
writeFileSync(join(place.dir, 'trusted.yaml'), profile.replace('HOST', 'api.provider.invalid'));
writeFileSync(join(place.dir, 'elsewhere.yaml'), profile.replace('HOST', 'api.other.invalid'));

async function simulate(target: string, methods: string): Promise<Simulation> {
  const args = ['simulate', '--method', methods, '--target', `${target}.yaml`, '--json', '--data', target];
  const { stdout, stderr } = await run(args, { cwd: place.dir, env: { TMPDIR: place.dir } });
  assert.notEqual(stdout, '', stderr);
  return simulationSchema.parse(JSON.parse(stdout));
}

test('simulate breaks the calls of a target whose https address is fixed, through CONNECT', async () => {
  const doc = await simulate('trusted', 'unavailable,refused,mid-request');
  const methods = doc.scenarios.flatMap((scenario) => scenario.methods);
  assert.deepEqual(
    methods.filter(({ outcome }) => outcome === 'scored').map(({ id }) => id),
    ['unavailable', 'refused', 'mid-request'],
    JSON.stringify(methods.filter(({ why }) => why !== null)),
  );
  for (const { id, affectedRequests } of methods.filter(({ outcome }) => outcome === 'scored'))
    assert.ok(affectedRequests > 0, id);
});

test('simulate leaves the hosts alone that are not the provider’s', async () => {
  const doc = await simulate('elsewhere', 'unavailable');
  const method = doc.scenarios.flatMap((scenario) => scenario.methods).find(({ id }) => id === 'unavailable');
  assert.equal(method?.outcome, 'invalid');
});
