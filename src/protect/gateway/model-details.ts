// GET /api/ps and POST /api/show for administrators: what an Ollama provider says of its models, without paths and instructions.
import type { IncomingMessage } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { admit } from './admit.ts';
import { type Exchange, journalAway } from './converse.ts';
import { asList, asObject, objectOr, textOr } from './dialects/json-reading.ts';
import { errorOfFailure, type Unavailable } from './failure-error.ts';
import { type Attempt, type ForwardParts, forward } from './forward.ts';
import { failureOfStatus, providerRequest, type Sent } from './provider-call.ts';
import { readBody } from './read.ts';
import type { Received } from './receive.ts';
import type { Recorder } from './record.ts';
import { type ReplyContext, sendError, sendJson, shownError } from './reply.ts';
import type { Provider } from './route.ts';
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
  parts: ForwardParts & { recorder: Recorder },
  providers: readonly Provider[],
  settings: GatewaySettings,
): HandleDetails {
  const { recorder, now } = parts;
  const ollamas = providers.filter(({ dialect }) => dialect.name === 'ollama');

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
    const until = now() + settings.timeouts.totalMs;
    const sent: Sent =
      asked === undefined
        ? { method: 'GET', path: '/api/ps' }
        : { method: 'POST', path: '/api/show', body: JSON.stringify({ model: canonicalModel(asked) }) };
    const end = await forward(
      parts,
      ollamas,
      { retries: settings.retries, until, signal },
      detailsAttempt(sent, until, signal, asked),
    );
    if (end.kind === 'aborted') return undefined;
    if (end.kind !== 'done') return errorOfFailure(end.failure, settings.breaker.halfOpenMs);
    const shown = asked === undefined ? { models: withinScope(end.value, caller) } : end.value;
    sendJson(context, 200, shown as JsonObject);
    return undefined;
  }

  async function readShow(req: IncomingMessage): Promise<string> {
    const { model, name } = showFields(await readBody(req, settings), '', settings.unknownFields) as JsonObject;
    const asked = textOr(model) ?? textOr(name);
    if (asked === undefined) throw new RempartError('ERR_BODY_FIELD_INVALID', { field: 'model' });
    return asked;
  }

  function detailsAttempt(sent: Sent, until: number, signal: AbortSignal, asked: string | undefined): Attempt<Json> {
    return async (provider, key) => {
      const request = providerRequest(provider, key, sent, settings, until - now(), signal);
      const end = await callUpstream(provider.dispatcher, request);
      if (end.kind === 'aborted') return end;
      if (end.kind === 'failed') return { ...end, committed: false };
      const malformed = { kind: 'failed', failure: { kind: 'malformed', heals: true }, committed: false } as const;
      if (end.kind === 'streamed') return malformed;
      const failure = failureOfStatus(provider, end.status, end.headers, end.body, now);
      if (failure !== undefined) return { kind: 'failed', failure, committed: false };
      try {
        const body = asObject(JSON.parse(end.body) as Json);
        return { kind: 'done', value: asked === undefined ? loadedOf(body) : detailsOf(asked, body) };
      } catch {
        return malformed;
      }
    };
  }
}

function withinScope(models: Json, { scopes }: Exchange['caller']): Json[] {
  return (models as JsonObject[]).filter(({ name }) => mayUseModel(scopes ?? {}, textOr(name) ?? ''));
}

function loadedOf(body: JsonObject): JsonObject[] {
  return asList(body['models']).flatMap((entry) => {
    const { name, model, size, digest, details, expires_at, size_vram, context_length } = objectOr(entry) ?? {};
    const shown = facts({
      name: name ?? model ?? '',
      model: model ?? name ?? '',
      size: size ?? 0,
      digest: digest ?? '',
    });
    const times = facts({
      expires_at: expires_at ?? '',
      size_vram: size_vram ?? 0,
      context_length: context_length ?? 0,
    });
    return [{ ...shown, details: facts(objectOr(details) ?? {}), ...times }];
  });
}

/** The modelfile names a path and, like `system`, `template` and `messages`, tells the operator's instructions: none is passed on. */
function detailsOf(model: string, body: JsonObject): JsonObject {
  const { parameters, details, model_info, capabilities, modified_at } = body;
  const names = Array.isArray(capabilities) ? capabilities.filter((one) => typeof one === 'string') : [];
  return {
    license: '',
    modelfile: `FROM ${canonicalModel(model)}`,
    parameters: (textOr(parameters) ?? '')
      .split('\n')
      .filter((line) => /^\s*[a-z_]+\s+-?[\d.]+\s*$/.test(line))
      .join('\n'),
    template: '',
    details: facts(objectOr(details) ?? {}),
    model_info: facts(objectOr(model_info) ?? {}),
    capabilities: names.filter((one) => /^[a-z_-]{1,40}$/.test(one)),
    ...facts({ modified_at: modified_at ?? '' }),
  };
}

/** What is a number, a flag or a short word: no path, no prose. */
function facts(from: JsonObject): JsonObject {
  const isFact = (value: Json): boolean =>
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    (typeof value === 'string' && /^(?![/.~])[\w.:+/@-]{0,128}$/.test(value) && !value.includes('/blobs/')) ||
    (Array.isArray(value) && value.length <= 16 && value.every(isFact));
  return Object.fromEntries(Object.entries(from).filter(([, value]) => isFact(value)));
}
