// A span as OTLP over HTTP writes it in JSON (opentelemetry-proto 1.x, trace.proto; ids as hexadecimal digits, 64-bit numbers as text).
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';

export type AttributeValue = string | boolean | readonly string[] | { int: number } | { double: number };
export type Attributes = Record<string, AttributeValue>;

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string | undefined;
  /** Of the trace; what came from elsewhere is passed on. */
  state?: string | undefined;
  /** The parent is another process's. */
  isRemoteParent?: boolean;
  name: string;
  kind: 'server' | 'client';
  /** Microseconds since the epoch. */
  startUs: number;
  endUs: number;
  attributes: Attributes;
  /** True: it ended in an error that is its own. */
  isError: boolean;
}

/** In the protocol kinds begin at 1 with INTERNAL, in the API at 0. */
const kinds = { server: SpanKind.SERVER + 1, client: SpanKind.CLIENT + 1 } as const;
/** Flags (trace.proto, SpanFlags): sampled, "is remote" is known, the parent is remote. */
const flags = { sampled: 0x01, remoteIsKnown: 0x1_00, remote: 0x2_00 } as const;

/** One span as JSON, ready to be put in a list. */
export function spanText(span: Span): string {
  const { traceId, spanId, parentSpanId, state, name, startUs, endUs, isError } = span;
  return JSON.stringify({
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    ...(state === undefined ? {} : { traceState: state }),
    flags: flags.sampled | flags.remoteIsKnown | (span.isRemoteParent === true ? flags.remote : 0),
    name,
    kind: kinds[span.kind],
    startTimeUnixNano: nanoseconds(startUs),
    endTimeUnixNano: nanoseconds(Math.max(startUs, endUs)),
    attributes: Object.entries(span.attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
    status: isError ? { code: SpanStatusCode.ERROR } : {},
  });
}

function nanoseconds(us: number): string {
  return `${Math.round(us)}000`;
}

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if ('int' in value) return { intValue: String(Math.round(value.int)) };
  if ('double' in value) return { doubleValue: value.double };
  return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } };
}

/** ExportTraceServiceRequest with these spans. */
export function tracesRequest(service: string, spans: readonly string[]): string {
  const resource = JSON.stringify({ attributes: [{ key: 'service.name', value: { stringValue: service } }] });
  const scope = JSON.stringify({ name: 'rempart.gateway' });
  return `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(',')}]}]}]}`;
}
