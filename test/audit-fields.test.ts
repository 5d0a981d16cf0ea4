// The whole program before an Elasticsearch of our own and a Prometheus that knows older names: every audit field filled and mapped as documented, every counter under both names.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { answering, startUpstream, type Upstream } from './gateway-rig.ts';
import { type Instance, makePlace, run, startInstance, until } from './instance.ts';
import { startBulk } from './sinks-rig.ts';

const root = join(import.meta.dirname, '..');
const place = makePlace();
const cwd = place.dir;
let upstream: Upstream;
let bulk: Awaited<ReturnType<typeof startBulk>>;
let app: Instance;
before(async () => {
  upstream = await startUpstream(answering('12345'));
  bulk = await startBulk();
  writeFileSync(
    join(cwd, 'rempart.yaml'),
    [
      `providers: [{name: main, dialect: openai, url: "${upstream.url}"}]`,
      `sinks: {to: [{name: siem, kind: elasticsearch, url: "${bulk.url}"}]}`,
      'metrics: {bareNames: true}',
      `deployment: "${join(root, 'targets', 'deployments', 'rempart.yaml')}"`,
      'respond: {enabled: false}',
    ].join('\n'),
  );
  app = await startInstance([], { cwd });
});
after(async () => {
  await app?.stop();
  await bulk?.close();
  await upstream?.close();
  place.remove();
});

/** The first column of the table under "The ten audit fields", in docs/journal.md. */
function documented(): string[] {
  const page = readFileSync(join(root, 'docs', 'journal.md'), 'utf8');
  const [, section = ''] = page.split('## The ten audit fields');
  return [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name);
}

test('up fills all ten documented audit fields of a request at Elasticsearch, and has mapped each', async () => {
  const { stdout } = await run(['keys', 'create', '--subject', 'ada@example.org', '--json'], { cwd });
  const { key } = JSON.parse(stdout) as { key: string };
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] });
  const sent = await fetch(`${app.gatewayUrl}/v1/chat/completions`, { method: 'POST', headers, body });
  assert.equal(sent.status, 200);
  const outcome = () =>
    [...bulk.documents.values()].find(({ source }) => source['event_type'] === 'api.outcome')?.source;
  await until(() => outcome() !== undefined);
  const source = outcome()!;
  const { stdout: pseudonym } = await run(['privacy', 'pseudonym', '--subject', 'ada@example.org'], { cwd });
  const expected: Record<string, (value: unknown) => boolean> = {
    timestamp: (value) => Math.abs(Date.parse(String(value)) - Date.now()) < 60_000,
    event_type: (value) => value === 'api.outcome',
    user_id: (value) => value === pseudonym.trim(),
    source_ip: (value) => value === '127.0.0.1',
    model_used: (value) => value === 'm',
    endpoint: (value) => value === 'POST /v1/chat/completions',
    prompt_hash: (value) => /^[0-9a-f]{64}$/.test(String(value)),
    response_size: (value) => value === 5,
    processing_time: (value) => Number(value) >= 0 && Number(value) < 10_000,
    success: (value) => value === true,
  };
  assert.deepEqual(documented(), Object.keys(expected));
  for (const [name, fits] of Object.entries(expected)) assert.ok(fits(source[name]), `${name}: ${source[name]}`);
  const { template } = JSON.parse(bulk.templates[0] ?? '{}') as {
    template: { mappings: { properties: Record<string, { type: string }> } };
  };
  const types = Object.fromEntries(documented().map((name) => [name, template.mappings.properties[name]?.type]));
  assert.deepEqual(types, {
    timestamp: 'date',
    event_type: 'keyword',
    user_id: 'keyword',
    source_ip: 'ip',
    model_used: 'keyword',
    endpoint: 'keyword',
    prompt_hash: 'keyword',
    response_size: 'long',
    processing_time: 'long',
    success: 'boolean',
  });
  assert.doesNotMatch(JSON.stringify([...bulk.documents.values()]), /ada@example|hello/);
});

test('up tells the six counters under their bare names too, with the same values', async () => {
  await fetch(`${app.gatewayUrl}/v1/models`, { headers: { authorization: 'Bearer nobody' } });
  const text = await (await fetch(`${app.consoleUrl}/metrics`)).text();
  for (const name of [
    'failed_auth_attempts_total',
    'suspicious_prompts_total',
    'model_load_attempts_total',
    'host_access_violations_total',
    'rate_limit_exceeded_total',
    'cross_network_requests_total',
  ]) {
    const samples = (full: string) =>
      text.split('\n').flatMap((line) => (new RegExp(`^${full}[{ ]`).test(line) ? [line.slice(full.length)] : []));
    assert.match(text, new RegExp(`^# TYPE ${name} counter$`, 'm'));
    assert.deepEqual(samples(name), samples(`rempart_${name}`), name);
  }
  assert.match(text, /^failed_auth_attempts_total\{reason="unknown"\} 1$/m);
});
