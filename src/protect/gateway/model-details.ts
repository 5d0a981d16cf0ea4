// GET /api/ps and POST /api/show for administrators: what an Ollama provider says of its models, without paths and instructions.

import type { IncomingMessage } from 'node:http';
import type { Ending } from '../../platform/base/ending.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { admit } from './admit.ts';
import { asList, asObject, objectOr, textOr } from './dialects/json-reading.ts';
import type { Exchange } from './exchange.ts';
import { errorOfFailure, journalAway, type Unavailable } from './failure-error.ts';
import { type Attempt, type ForwardParts, forward } from './forward.ts';
import { failureOfStatus, providerRequest, type Sent } from './provider-call.ts';
import { readBody } from './read.ts';
import type { Received } from './receive.ts';
import type { Recorder } from './record.ts';
import { type ReplyContext, sendError, sendJson, shownError } from './reply.ts';
import { eachInTurn, type Provider, type Target } from './route.ts';
import type { Routes } from './routes.ts';
import { canonicalModel, mayUseModel } from './scopes.ts';
import type { GatewaySettings } from './settings.ts';
import { flag, modelName, object } from './shape.ts';
import { callUpstream } from './upstream.ts';

export type HandleDetails = (
  req: IncomingMessage,
  received: Received,
  context: ReplyContext,
  exchange: Exchange,
) => Promise<void>;

// Old clients send the name as `name`.
const showFields = object({ model: modelName, name: modelName, verbose: flag });

export function createHandleDetails(
  parts: ForwardParts & { recorder: Recorder; routes: Routes },
  providers: readonly Provider[],
  settings: GatewaySettings,
): HandleDetails {
  const { recorder, now } = parts;
  const { routes } = parts;
  const isOllama = ({ dialect }: Provider) => dialect.name === 'ollama';
  const ollamas = eachInTurn(providers.filter(isOllama));

  return async (req, received, context, exchange) => {
    try {
      await recorder.received(exchange, { dialect: received.dialect.name });
    } catch {
      sendError(context, journalAway());
      return;
    }
    const refusal = await answer(req, received, context, exchange).catch(shownError);
    if (refusal !== undefined) sendError(context, refusal, req.complete ? {} : { connection: 'close' });
    recorder.outcome(
      exchange,
      refusal === undefined ? { kind: 'answered' } : { kind: 'refused', code: refusal.error.code },
    );
  };

  /** Answers, or returns why not. */
  async function answer(
    req: IncomingMessage,
    { endpoint }: Received,
    context: ReplyContext,
    { caller, operation, signal }: Exchange,
  ): Promise<Unavailable | undefined> {
    admit(caller, { operation });
    if (caller.role !== 'admin') throw new RempartError('ERR_FORBIDDEN');
    if (ollamas.length === 0) throw new RempartError('ERR_NOT_FOUND');
    const asked = endpoint.kind === 'show' ? await readShow(req) : undefined;
    if (asked !== undefined) admit(caller, { operation, model: asked });
    const targets = asked === undefined ? ollamas : routes.targetsOf(asked).filter(isOllama);
    if (targets.length === 0) throw new RempartError('ERR_MODEL_UNKNOWN');
    const until = now() + settings.timeouts.totalMs;
    const limits = { retries: settings.retries, until, signal };
    const end = await forward(parts, targets, limits, detailsAttempt(until, signal, asked));
    if (end.kind === 'aborted') return undefined;
    if (end.kind !== 'done') return errorOfFailure(end.failure, settings.breaker.halfOpenMs);
    const shown = asked === undefined ? { models: withinScope(end.value, caller) } : end.value;
    sendJson(context, 200, shown as JsonObject);
    return undefined;
  }

  /** By its own name, or by that of a route where it only stands behind one. */
  function shownName(provider: string, name: string): string | undefined {
    if (!/^[!-~]{1,256}$/.test(name)) return undefined;
    if (!routes.isBehind(provider, name)) return name;
    const isIt = (target: Target) => target.name === provider && isSameModel(target.model, name);
    return routes.names.find(({ targets }) => targets.some(isIt))?.name;
  }

  async function readShow(req: IncomingMessage): Promise<string> {
    const { model, name } = showFields(await readBody(req, settings), '', settings.unknownFields) as JsonObject;
    const asked = textOr(model) ?? textOr(name);
    if (asked === undefined) throw new RempartError('ERR_BODY_FIELD_INVALID', { field: 'model' });
    return asked;
  }

  function detailsAttempt(until: number, signal: Ending, asked: string | undefined): Attempt<Json> {
    return async (provider, key) => {
      const sent = sentFor(provider, asked);
      const request = providerRequest(provider, key, sent, settings, until - now(), signal);
      const end = await callUpstream(provider.dispatcher, request);
      if (end.kind === 'aborted' || end.kind === 'unsent') return end;
      if (end.kind === 'failed') return { ...end, committed: false };
      const malformed = { kind: 'failed', failure: { kind: 'malformed', heals: true }, committed: false } as const;
      if (end.kind === 'streamed') return malformed;
      const failure = failureOfStatus(provider, end.status, end.headers, end.body, now);
      if (failure !== undefined) return { kind: 'failed', failure, committed: false };
      try {
        const body = asObject(JSON.parse(end.body) as Json);
        if (asked !== undefined) return { kind: 'done', value: detailsOf(asked, body) };
        return { kind: 'done', value: loadedOf(body, (name) => shownName(provider.name, name)) };
      } catch {
        return malformed;
      }
    };
  }
}

function isSameModel(model: string | undefined, name: string): boolean {
  return model !== undefined && canonicalModel(model) === canonicalModel(name);
}

function sentFor({ model }: Target, asked: string | undefined): Sent {
  if (asked === undefined) return { method: 'GET', path: '/api/ps' };
  return { method: 'POST', path: '/api/show', body: JSON.stringify({ model: canonicalModel(model ?? asked) }) };
}

function withinScope(models: Json, { scopes }: Exchange['caller']): Json[] {
  return (models as JsonObject[]).filter(({ name }) => mayUseModel(scopes ?? {}, textOr(name) ?? ''));
}

/** `shown` tells by which name callers know a model; undefined: by none. */
function loadedOf(body: JsonObject, shown: (name: string) => string | undefined): JsonObject[] {
  return asList(body['models']).flatMap((entry) => {
    const { name: given, model, size, digest, details, expires_at, size_vram, context_length } = objectOr(entry) ?? {};
    const name = shown(textOr(given) ?? textOr(model) ?? '');
    if (name === undefined) return [];
    return [
      {
        name,
        model: name,
        ...numbers({ size, size_vram, context_length }),
        ...matching({ digest }, /^(?:sha256:)?[0-9a-f]{12,64}$/),
        ...matching({ expires_at }, instant),
        details: describe(details),
      },
    ];
  });
}

/** The modelfile names a path and, like `system`, `template` and `messages`, tells the operator's instructions: none is passed on. */
function detailsOf(model: string, body: JsonObject): JsonObject {
  const { parameters, details, model_info, capabilities, modified_at } = body;
  return {
    license: '',
    modelfile: `FROM ${canonicalModel(model)}`,
    parameters: (textOr(parameters) ?? '')
      .split('\n')
      .filter((line) => /^\s*[a-z_]{1,40}\s+-?\d[\d.]*\s*$/.test(line))
      .join('\n'),
    template: '',
    details: describe(details),
    model_info: measures(model_info),
    capabilities: Array.isArray(capabilities) ? capabilities.filter(isCapability) : [],
    ...matching({ modified_at }, instant),
  };
}

const instant = /^\d{4}-\d\d-\d\dT[\d:.]{5,20}(?:Z|[+-]\d\d:\d\d)$/;
const architecture = /^[a-z][a-z0-9]{1,23}$/;
const known = ['completion', 'tools', 'insert', 'vision', 'embedding', 'thinking', 'audio', 'image'];

function isCapability(word: Json): boolean {
  return known.includes(word as string);
}

/** How it was made; not what it was made from, which may be a name or a path of this machine. */
function describe(details: Json | undefined): JsonObject {
  const { format, family, families, parameter_size, quantization_level } = objectOr(details ?? null) ?? {};
  return {
    ...matching({ format }, architecture),
    ...matching({ family }, architecture),
    ...(Array.isArray(families)
      ? { families: families.filter((one) => typeof one === 'string' && architecture.test(one)).slice(0, 16) }
      : {}),
    ...matching({ parameter_size }, /^\d[\d.]{0,11}[KMBT]?$/),
    ...matching({ quantization_level }, /^[A-Z][A-Z0-9_]{0,15}$/),
  };
}

/** Numbers and flags under the names that a GGUF file has for them; of texts only the architecture. */
function measures(info: Json | undefined): JsonObject {
  const given = objectOr(info ?? null) ?? {};
  const made = matching({ 'general.architecture': given['general.architecture'] }, architecture);
  const family = made['general.architecture'];
  const shown = Object.entries(given).filter(
    ([key, value]) =>
      (typeof value === 'number' || typeof value === 'boolean') &&
      /^[a-z0-9_]+(?:\.[a-z0-9_]+){1,5}$/.test(key) &&
      key.length <= 80 &&
      ['general', 'tokenizer', family].includes(key.slice(0, key.indexOf('.'))),
  );
  return { ...made, ...Object.fromEntries(shown) };
}

function numbers(from: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, typeof value === 'number' ? value : 0]));
}

function matching(from: Readonly<Record<string, Json | undefined>>, form: RegExp): JsonObject {
  const fits = (value: Json | undefined): value is string => typeof value === 'string' && form.test(value);
  return Object.fromEntries(Object.entries(from).filter((entry): entry is [string, string] => fits(entry[1])));
}
