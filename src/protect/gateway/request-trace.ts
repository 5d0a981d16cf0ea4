// The spans of a request: one for itself, one for each attempt at a provider, with the names of OpenTelemetry's GenAI conventions; never a text.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Attributes, Span } from '../../platform/tracing/span.ts';
import {
  newSpanId,
  newTraceId,
  readTraceContext,
  type TraceContext,
  traceHeaders,
} from '../../platform/tracing/trace-context.ts';
import type { Caller } from './ask.ts';
import type { ChatCall, ReplyEvent } from './dialects/dialect.ts';
import type { AttemptEnd } from './forward.ts';
import type { OutcomeFacts } from './record.ts';
import type { Target } from './route.ts';
import { networks, sourceAddress } from './source-network.ts';
import type { TracingSettings } from './tracing-config.ts';

export interface TracingParts {
  now: () => number;
  /** 0 to 1. */
  random: () => number;
  offer: (span: Span) => void;
}

export interface Tracing {
  /** A request that came in; its span ends with its answer. Undefined: it is not traced. */
  serve(req: IncomingMessage, res: ServerResponse, operation: string): RequestTrace | undefined;
  /** One from inside this process; its span ends with its outcome. */
  begin(operation: string): RequestTrace | undefined;
}

export interface RequestTrace {
  /** From now on it belongs to the caller's own trace, where that caller is believed. */
  identified(caller: Caller): void;
  attempt<T>(call: ChatCall, target: Target, work: (target: Target) => Promise<AttemptEnd<T>>): Promise<AttemptEnd<T>>;
  concluded(requestId: string, call: ChatCall, outcome: OutcomeFacts, events: readonly ReplyEvent[]): void;
}

export function createTracing(parts: TracingParts, settings: TracingSettings): Tracing {
  const { random } = parts;
  const believed = believes(settings.accept);
  const propagates = new Set(settings.propagateTo);
  const isDrawn = () => settings.ratio === 1 || random() < settings.ratio;
  return {
    serve(req, res, operation) {
      // Who asks is not known yet, so it may still be another's decision.
      const given =
        believed === undefined ? undefined : readTraceContext(req.headers['traceparent'], req.headers['tracestate']);
      const isOurs = isDrawn();
      if (given === undefined && !isOurs) return undefined;
      const trace = createTrace(parts, propagates, operation, isOurs);
      const source = given === undefined ? '' : sourceAddress(req);
      res.once('close', () => {
        trace.attribute('http.request.method', req.method ?? '');
        trace.attribute('http.route', operation.slice(operation.indexOf(' ') + 1));
        if (res.headersSent) trace.attribute('http.response.status_code', { int: res.statusCode });
        trace.end(res.statusCode);
      });
      return {
        ...trace,
        identified: (caller) => {
          if (given !== undefined && believed?.(caller, source) === true) trace.adopt(given);
        },
      };
    },
    begin(operation) {
      if (!isDrawn()) return undefined;
      const trace = createTrace(parts, propagates, operation, true);
      return {
        ...trace,
        identified() {},
        concluded(...about) {
          trace.concluded(...about);
          trace.end(200);
        },
      };
    },
  };
}

function believes({ subjects, networks: sources }: TracingSettings['accept']) {
  if (subjects.length === 0 && sources.length === 0) return undefined;
  const names = new Set(subjects);
  const within = networks(sources);
  return (caller: Caller, source: string): boolean => names.has(caller.subject) || within(source);
}

function createTrace({ now, offer }: TracingParts, propagates: ReadonlySet<string>, operation: string, drawn: boolean) {
  // The clock is read once: what follows is measured on one that never jumps.
  const startUs = now() * 1_000;
  const from = performance.now();
  const nowUs = () => startUs + (performance.now() - from) * 1_000;
  const spanId = newSpanId();
  let context: TraceContext = { traceId: newTraceId(), spanId, isSampled: drawn };
  let parentSpanId: string | undefined;
  const attributes: Attributes = {};
  const tries: Span[] = [];
  let hasFailed = false;

  return {
    attribute(name: string, value: Attributes[string]): void {
      attributes[name] = value;
    },
    adopt(given: TraceContext): void {
      parentSpanId = given.spanId;
      context = { ...given, spanId };
    },
    async attempt<T>(call: ChatCall, target: Target, work: (target: Target) => Promise<AttemptEnd<T>>) {
      const id = newSpanId();
      const sent = propagates.has(target.name)
        ? { ...target, traceHeaders: traceHeaders({ ...context, spanId: id }) }
        : target;
      if (!context.isSampled) return work(sent);
      const beganUs = nowUs();
      const end = await work(sent);
      tries.push(attemptSpan(context, id, spanId, call, target, end, beganUs, nowUs()));
      return end;
    },
    concluded(requestId: string, call: ChatCall, outcome: OutcomeFacts, events: readonly ReplyEvent[]): void {
      attributes['rempart.request.id'] = requestId;
      attributes['rempart.outcome'] = outcome.kind;
      hasFailed = outcome.kind === 'failed' || outcome.kind === 'cut';
      if (outcome.code !== undefined) attributes['error.type'] = outcome.code;
      if (outcome.degraded !== undefined) attributes['rempart.degraded'] = outcome.degraded;
      // A name that was refused may be any text.
      if (tries.length > 0) Object.assign(attributes, requestAttributes(call, call.model));
      const last = tries.at(-1);
      if (last === undefined) return;
      const provider = last.attributes['gen_ai.provider.name'];
      if (provider !== undefined) attributes['gen_ai.provider.name'] = provider;
      const answered = answerAttributes(outcome, events);
      Object.assign(attributes, answered);
      if (!last.isError) Object.assign(last.attributes, answered);
    },
    end(status: number): void {
      if (!context.isSampled) return;
      for (const span of tries) offer(span);
      offer({
        ...{ traceId: context.traceId, spanId, parentSpanId, state: context.state },
        isRemoteParent: parentSpanId !== undefined,
        name: operation === 'ask' ? 'chat' : operation,
        kind: 'server',
        startUs,
        endUs: nowUs(),
        attributes,
        // Of a server's span only what is its own fault is an error (semantic conventions for HTTP).
        isError: status >= 500 || hasFailed,
      });
    },
  };
}

function attemptSpan<T>(
  { traceId, state }: TraceContext,
  id: string,
  parentSpanId: string,
  call: ChatCall,
  target: Target,
  end: AttemptEnd<T>,
  startUs: number,
  endUs: number,
): Span {
  const model = target.model ?? call.model;
  const attributes: Attributes = {
    ...requestAttributes(call, model),
    'gen_ai.provider.name': providerNames[target.dialect.name],
    // Which of those in the configuration; its address is nobody else's business.
    'rempart.provider': target.name,
    ...(end.kind === 'failed' ? { 'error.type': end.failure.kind } : {}),
  };
  const name = `${operationNames[call.task ?? 'chat']} ${model}`;
  const isError = end.kind === 'failed';
  return { traceId, spanId: id, parentSpanId, state, name, kind: 'client', startUs, endUs, attributes, isError };
}

/** Well-known values where the conventions have one. */
const providerNames = { openai: 'openai', mistral: 'mistral_ai', ollama: 'ollama' } as const;
const operationNames = {
  chat: 'chat',
  prompt: 'text_completion',
  completion: 'text_completion',
  fill: 'text_completion',
  embedding: 'embeddings',
} as const;

function requestAttributes({ task = 'chat', sampling, stream }: ChatCall, model: string): Attributes {
  const found: Attributes = {
    'gen_ai.operation.name': operationNames[task],
    'gen_ai.request.model': model,
  };
  if (stream) found['gen_ai.request.stream'] = true;
  if (task === 'embedding') return found;
  found['gen_ai.output.type'] = sampling.json === undefined ? 'text' : 'json';
  if (sampling.maxTokens !== undefined) found['gen_ai.request.max_tokens'] = { int: sampling.maxTokens };
  if (sampling.seed !== undefined) found['gen_ai.request.seed'] = { int: sampling.seed };
  const doubles = [
    ['gen_ai.request.temperature', sampling.temperature],
    ['gen_ai.request.top_p', sampling.topP],
    ['gen_ai.request.presence_penalty', sampling.presencePenalty],
    ['gen_ai.request.frequency_penalty', sampling.frequencyPenalty],
  ] as const;
  for (const [name, value] of doubles) if (value !== undefined) found[name] = { double: value };
  return found;
}

function answerAttributes(outcome: OutcomeFacts, events: readonly ReplyEvent[]): Attributes {
  const { modelUsed, promptTokens, completionTokens, tokensEstimated, firstByteMs } = outcome;
  const found: Attributes = {};
  if (modelUsed !== undefined) found['gen_ai.response.model'] = modelUsed;
  // An estimate is ours, not what was used.
  if (promptTokens !== undefined && tokensEstimated !== true)
    found['gen_ai.usage.input_tokens'] = { int: promptTokens };
  if (completionTokens !== undefined && tokensEstimated !== true)
    found['gen_ai.usage.output_tokens'] = { int: completionTokens };
  if (firstByteMs !== undefined) found['gen_ai.response.time_to_first_chunk'] = { double: firstByteMs / 1_000 };
  const reasons = events.flatMap((event) => (event.kind === 'finish' ? [event.reason] : []));
  if (reasons.length > 0) found['gen_ai.response.finish_reasons'] = reasons;
  return found;
}
