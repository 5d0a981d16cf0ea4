// A collector of traces of our own: takes OTLP over HTTP in JSON, and refuses whatever is not of the protocol's shape.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

// opentelemetry-proto 1.x: trace.proto, common.proto, resource.proto; JSON as OTLP's own rules change it (ids in hex).
const unixNano = z.string().regex(/^[1-9]\d{17,18}$/);
const anyValue: z.ZodType = z.lazy(() =>
  z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ boolValue: z.boolean() }),
    z.strictObject({ intValue: z.string().regex(/^-?\d{1,19}$/) }),
    z.strictObject({ doubleValue: z.number() }),
    z.strictObject({ arrayValue: z.strictObject({ values: z.array(anyValue) }) }),
  ]),
);
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: anyValue }))
  .refine((list) => new Set(list.map(({ key }) => key)).size === list.length, 'keys are unique');
const span = z.strictObject({
  traceId: z.string().regex(/^(?!0{32})[0-9a-f]{32}$/),
  spanId: z.string().regex(/^(?!0{16})[0-9a-f]{16}$/),
  parentSpanId: z
    .string()
    .regex(/^(?!0{16})[0-9a-f]{16}$/)
    .optional(),
  traceState: z.string().optional(),
  flags: z.number().int().min(0).max(0xffff_ffff),
  name: z.string().min(1),
  kind: z.number().int().min(1).max(5),
  startTimeUnixNano: unixNano,
  endTimeUnixNano: unixNano,
  attributes,
  status: z.strictObject({ code: z.union([z.literal(1), z.literal(2)]).optional(), message: z.string().optional() }),
});
const request = z.strictObject({
  resourceSpans: z
    .array(
      z.strictObject({
        resource: z.strictObject({ attributes }),
        scopeSpans: z.array(
          z.strictObject({ scope: z.strictObject({ name: z.string().min(1) }), spans: z.array(span).min(1) }),
        ),
      }),
    )
    .min(1),
});

export interface SeenSpan extends Omit<z.output<typeof span>, 'attributes'> {
  service: unknown;
  attributes: Record<string, unknown>;
}

export interface Collector {
  url: string;
  spans: SeenSpan[];
  /** What was not of the shape. */
  wrong: string[];
  requests: { headers: IncomingMessage['headers']; path: string; body: string }[];
  /** Answers with these statuses first, then takes everything. */
  failing: number[];
  /** What its partial success says. */
  rejects: number;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const collector: Omit<Collector, 'url' | 'close'> = { spans: [], wrong: [], requests: [], failing: [], rejects: 0 };
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    collector.requests.push({ headers: req.headers, path: req.url ?? '', body });
    const status = collector.failing.shift() ?? 200;
    if (status === 200) take(body);
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(
      JSON.stringify(collector.rejects > 0 ? { partialSuccess: { rejectedSpans: String(collector.rejects) } } : {}),
    );
  });
  function take(body: string): void {
    const parsed = request.safeParse(JSON.parse(body));
    if (!parsed.success) {
      collector.wrong.push(z.prettifyError(parsed.error));
      return;
    }
    for (const { resource, scopeSpans } of parsed.data.resourceSpans)
      for (const one of scopeSpans.flatMap(({ spans }) => spans))
        collector.spans.push({
          ...one,
          service: plain(resource.attributes)['service.name'],
          attributes: plain(one.attributes),
        });
  }
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return Object.assign(collector, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function plain(list: z.output<typeof attributes>): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }) => [key, readValue(value)]));
}

function readValue(given: unknown): unknown {
  const [[kind = '', value] = []] = Object.entries(given as Record<string, unknown>);
  if (kind === 'intValue') return Number(value);
  return kind === 'arrayValue' ? (value as { values: unknown[] }).values.map(readValue) : value;
}
