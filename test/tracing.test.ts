// Spans of real requests, as a collector receives them: their shape, their names, whose trace they belong to, and nothing of what was said.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLog } from '../src/platform/base/log.ts';
import { createSpanExporter, type SpanExporter } from '../src/platform/tracing/span-exporter.ts';
import { createTracing } from '../src/protect/gateway/request-trace.ts';
import { tracingSchema } from '../src/protect/gateway/tracing-config.ts';
import { type Collector, type SeenSpan, startCollector } from './collector.ts';
import {
  answering,
  type Behaviour,
  json,
  type Rig,
  startRig,
  startUpstream,
  type Upstream,
  until,
  viewerKey,
} from './gateway-rig.ts';
import { makePlace, run, startInstance } from './instance.ts';

let collector: Collector;
before(async () => {
  collector = await startCollector();
});
after(() => collector.close());

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = (flags = '01') => `00-${traceId}-00f067aa0ba902b7-${flags}`;

/** A gateway that traces; its spans once they have arrived. */
async function traced(
  given: Record<string, unknown>,
  behaviours: readonly Behaviour[],
  work: (rig: Rig, upstreams: readonly Upstream[]) => Promise<unknown>,
): Promise<SeenSpan[]> {
  collector.spans.length = 0;
  const settings = tracingSchema.parse({ url: collector.url, ...given });
  const parts = { now: Date.now, random: Math.random, log: createLog('silent') };
  const exporter: SpanExporter = createSpanExporter(parts, { ...settings, url: collector.url });
  const tracing = createTracing({ now: Date.now, random: Math.random, offer: exporter.offer }, settings);
  const upstreams = await Promise.all(behaviours.map((one) => startUpstream(one)));
  const rig = await startRig(
    upstreams.map(({ url }, n) => ({ name: n === 0 ? 'main' : `spare-${n}`, dialect: 'mistral', url, key: 'k' })),
    { tracing },
  );
  try {
    await work(rig, upstreams);
    // A span ends with its connection's answer, which may be a moment after the client has it.
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    await rig.close();
    for (const upstream of upstreams) await upstream.close();
    await exporter.close(5_000);
  }
  assert.deepEqual(collector.wrong, []);
  return [...collector.spans];
}

const server = (spans: readonly SeenSpan[]) => spans.filter(({ kind }) => kind === 2);
const client = (spans: readonly SeenSpan[]) => spans.filter(({ kind }) => kind === 3);

for (const stream of [false, true])
  test(`createTracing() tells of an answer that is ${stream ? 'streamed' : 'whole'} with the names of the conventions and none of its words`, async () => {
    const spans = await traced({ service: 'front-door' }, [answering('a-word-of-the-answer')], (rig) =>
      rig.chat('a-word-of-the-prompt', { stream, temperature: 1, max_tokens: 50 }),
    );
    const [whole] = server(spans);
    const [attempt] = client(spans);
    assert.equal(spans.length, 2);
    assert.deepEqual([whole?.name, attempt?.name], ['POST /v1/chat/completions', 'chat m']);
    assert.equal(attempt?.parentSpanId, whole?.spanId);
    assert.equal(attempt?.traceId, whole?.traceId);
    assert.equal(whole?.parentSpanId, undefined);
    assert.equal(whole?.service, 'front-door');
    assert.ok(BigInt(whole!.startTimeUnixNano) <= BigInt(attempt!.startTimeUnixNano));
    assert.ok(BigInt(whole!.endTimeUnixNano) >= BigInt(attempt!.endTimeUnixNano));
    const { 'rempart.request.id': id, 'gen_ai.response.time_to_first_chunk': first, ...known } = whole!.attributes;
    assert.match(String(id), /^req_[0-9a-f]{32}$/);
    assert.ok(Number(first) >= 0 && Number(first) < 5);
    const about = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.output.type': 'text',
      'gen_ai.provider.name': 'mistral_ai',
      'gen_ai.request.max_tokens': 50,
      'gen_ai.request.model': 'm',
      'gen_ai.request.temperature': 1,
      ...(stream ? { 'gen_ai.request.stream': true } : {}),
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.model': 'm',
      ...(stream ? {} : { 'gen_ai.usage.input_tokens': 3, 'gen_ai.usage.output_tokens': 2 }),
    };
    assert.deepEqual(known, {
      ...about,
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'http.route': '/v1/chat/completions',
      'rempart.outcome': 'answered',
    });
    assert.deepEqual(
      { ...attempt!.attributes, 'gen_ai.response.time_to_first_chunk': 0 },
      {
        ...about,
        'gen_ai.response.time_to_first_chunk': 0,
        'rempart.provider': 'main',
      },
    );
    const sent = collector.requests.map(({ body }) => body).join('');
    for (const word of ['a-word-of', 'tester', '127.0.0.1', 'Bearer']) assert.ok(!sent.includes(word), word);
    assert.equal(collector.requests.at(-1)?.path, '/v1/traces');
  });

test('createTracing() has one span for each attempt, and error.type where it failed', async () => {
  const failing: Behaviour = (_req, res) => json(res, 503, {});
  const spans = await traced({}, [failing, answering()], (rig) => rig.chat('hello'));
  assert.deepEqual(
    client(spans).map(({ attributes, status }) => [
      attributes['rempart.provider'],
      attributes['error.type'],
      status.code,
      attributes['gen_ai.response.model'],
    ]),
    [
      ['main', 'overloaded', 2, undefined],
      ['main', 'overloaded', 2, undefined],
      ['main', 'overloaded', 2, undefined],
      ['spare-1', undefined, undefined, 'm'],
    ],
  );
  const [whole] = server(spans);
  assert.deepEqual([whole?.status.code, whole?.attributes['error.type']], [undefined, undefined]);
  const failed = await traced({}, [failing], (rig) => rig.chat('hello'));
  assert.deepEqual(
    server(failed).map(({ attributes, status }) => [
      attributes['error.type'],
      attributes['http.response.status_code'],
      status.code,
    ]),
    [['ERR_PROVIDER_UNAVAILABLE', 503, 2]],
  );
});

test('createTracing() traces who was refused too, without a model’s name that could be any text', async () => {
  const spans = await traced({}, [answering()], async (rig) => {
    await rig.get('/v1/models', { authorization: 'Bearer wrong' });
    await rig.get('/v1/nowhere/secret-path');
    await rig.ask('/api/pull', { name: 'x' });
    const viewer = { authorization: `Bearer ${viewerKey}` };
    const messages = [{ role: 'user', content: 'x' }];
    await rig.ask('/v1/chat/completions', { model: 'my-diary', messages }, viewer);
  });
  assert.deepEqual(
    spans.map(({ name, attributes }) => [name, attributes['http.response.status_code']]),
    [
      ['GET /v1/models', 401],
      ['GET other', 404],
      ['POST dangerous', 403],
      ['POST /v1/chat/completions', 403],
    ],
  );
  assert.doesNotMatch(JSON.stringify(spans), /my-diary|secret-path/);
});

for (const [who, accept, isBelieved] of [
  ['a subject that is believed', { subjects: ['tester'] }, true],
  ['a network that is believed', { networks: ['127.0.0.0/8'] }, true],
  ['anybody else', { subjects: ['other'], networks: ['10.0.0.0/8'] }, false],
  ['anybody by default', {}, false],
] as const)
  test(`createTracing() ${isBelieved ? 'goes on with' : 'does not use'} the traceparent of ${who}`, async () => {
    const spans = await traced({ accept }, [answering()], (rig) =>
      rig.ask(
        '/v1/chat/completions',
        { model: 'm', messages: [{ role: 'user', content: 'x' }] },
        { traceparent: parent(), tracestate: 'v=1' },
      ),
    );
    const [whole] = server(spans);
    assert.equal(whole?.traceId === traceId, isBelieved);
    assert.deepEqual(
      [whole?.parentSpanId, whole?.traceState],
      isBelieved ? ['00f067aa0ba902b7', 'v=1'] : [undefined, undefined],
    );
    // SpanFlags: the parent is known to be remote, or known not to be.
    assert.equal((whole?.flags ?? 0) & 0x3_00, isBelieved ? 0x3_00 : 0x1_00);
    assert.ok(spans.every((span) => span.traceId === whole?.traceId));
  });

test('createTracing() leaves it to a believed caller whether a request is sampled, and to the ratio otherwise', async () => {
  const ask = (flags: string) => (rig: Rig) =>
    rig.ask(
      '/v1/chat/completions',
      { model: 'm', messages: [{ role: 'user', content: 'x' }] },
      { traceparent: parent(flags) },
    );
  const accept = { subjects: ['tester'] };
  assert.equal((await traced({ accept }, [answering()], ask('00'))).length, 0);
  assert.equal((await traced({ accept, ratio: 0 }, [answering()], ask('01'))).length, 2);
  assert.equal((await traced({ ratio: 0 }, [answering()], ask('01'))).length, 0);
  const some = await traced({ ratio: 0.5 }, [answering()], async (rig) => {
    for (let n = 0; n < 60; n++) await rig.get('/api/version');
  });
  assert.ok(some.length > 10 && some.length < 50, `${some.length} of 60`);
});

test('createTracing() tells of the trace only those providers that are named', async () => {
  for (const [propagateTo, isTold] of [
    [['main'], true],
    [['spare-1'], false],
    [[], false],
  ] as const) {
    let head: Upstream['heads'][number] | undefined;
    const spans = await traced({ propagateTo }, [answering()], async (rig, [upstream]) => {
      await rig.chat('hello');
      head = upstream?.heads[0];
    });
    const expected = isTold ? `00-${spans[0]?.traceId}-${client(spans)[0]?.spanId}-01` : undefined;
    assert.equal(head?.headers['traceparent'], expected);
  }
});

test('createTracing() has a span of its own for what is asked inside the process', async () => {
  const spans = await traced({}, [answering()], async ({ gateway }) => {
    const caller = { subject: 'tester', role: 'user', credential: 'c', sourceIp: '127.0.0.1' } as const;
    const messages = [{ role: 'user' as const, content: 'x' }];
    const signal = new AbortController().signal;
    await gateway.ask({ caller, model: 'm', messages, lang: 'en', requestId: 'r', signal });
    await until(() => true);
  });
  assert.deepEqual(
    spans.map(({ name, kind }) => [name, kind]),
    [
      ['chat m', 3],
      ['chat', 2],
    ],
  );
});

test('up sends its spans to the collector of its configuration, with its headers, and counts them', async () => {
  const place = makePlace();
  const upstream = await startUpstream(answering());
  collector.spans.length = 0;
  collector.requests.length = 0;
  writeFileSync(
    join(place.dir, 'rempart.yaml'),
    `providers: [{name: main, dialect: openai, url: "${upstream.url}"}]\n` +
      `tracing: {url: "${collector.url}", headers: {authorization: "env:COLLECTOR"}, propagateTo: [main]}\n`,
  );
  const app = await startInstance([], { cwd: place.dir, env: { COLLECTOR: 'Bearer of-the-collector' } });
  try {
    const headers = { authorization: `Bearer ${app.apiKey}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'never-in-a-span' }] });
    await fetch(`${app.gatewayUrl}/v1/chat/completions`, { method: 'POST', headers, body });
    await until(() => collector.spans.length >= 2);
    assert.deepEqual(collector.spans.map(({ name }) => name).sort(), ['POST /v1/chat/completions', 'chat m']);
    assert.equal(collector.requests[0]?.headers.authorization, 'Bearer of-the-collector');
    const attempt = collector.spans.find(({ kind }) => kind === 3);
    assert.equal(upstream.heads[0]?.headers['traceparent'], `00-${attempt?.traceId}-${attempt?.spanId}-01`);
    assert.doesNotMatch(JSON.stringify(collector.requests.map((one) => one.body)), /never-in-a-span|of-the-collector/);
    // It has them before its answer is heard.
    const metrics = async () => (await fetch(`${app.consoleUrl}/metrics`)).text();
    await until(async () => /^rempart_trace_spans_total\{result="exported"\} 2$/m.test(await metrics()));
  } finally {
    await app.stop();
    await upstream.close();
    place.remove();
  }
});

test('up refuses to start with a trace context for a provider that there is none of', async () => {
  const place = makePlace();
  writeFileSync(join(place.dir, 'rempart.yaml'), 'tracing: {url: "http://127.0.0.1:9", propagateTo: [nobody]}\n');
  const { code, stderr } = await run(['up'], { cwd: place.dir });
  place.remove();
  assert.equal(code, 2);
  assert.match(stderr, /tracing\.propagateTo\.0.*nobody/);
});
