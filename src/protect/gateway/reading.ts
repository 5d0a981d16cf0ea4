// GET /v1/models, /v1/models/ID, /api/tags and /api/version: what a caller may read, journalled like everything else.
import { RempartError } from '../../platform/base/errors.ts';
import { admit } from './admit.ts';
import type { Exchange } from './exchange.ts';
import type { Unavailable } from './failure-error.ts';
import { journalAway } from './failure-error.ts';
import type { ListModels } from './models.ts';
import type { Received } from './receive.ts';
import type { Recorder } from './record.ts';
import { degradedHeader, type ReplyContext, sendError, sendJson, shownError } from './reply.ts';
import { canonicalModel, mayUseModel } from './scopes.ts';

/** The API level of Ollama's that is spoken here; its clients ask for it, and it tells nothing about us. */
const ollamaLevel = '0.12.0';

export type HandleReading = (received: Received, context: ReplyContext, exchange: Exchange) => Promise<void>;

export function createHandleReading(recorder: Recorder, listModels: ListModels): HandleReading {
  return async (received, context, exchange) => {
    try {
      await recorder.received(exchange, { dialect: received.dialect.name });
    } catch {
      sendError(context, journalAway());
      return;
    }
    const refusal = await read(received, context, exchange).catch(shownError);
    if (refusal !== undefined) sendError(context, refusal);
    recorder.outcome(
      exchange,
      refusal === undefined ? { kind: 'answered' } : { kind: 'failed', code: refusal.error.code },
    );
  };

  /** Answers, or returns why not. */
  async function read(
    { endpoint, dialect }: Received,
    context: ReplyContext,
    { caller, operation, signal }: Exchange,
  ): Promise<Unavailable | undefined> {
    admit(caller, { operation });
    if (endpoint.kind === 'version') {
      sendJson(context, 200, { version: ollamaLevel });
      return undefined;
    }
    const listed = await listModels(signal);
    if (listed.kind === 'failed') return listed;
    if (listed.kind === 'aborted') return undefined;
    const cards = listed.cards.filter(({ id }) => mayUseModel(caller.scopes ?? {}, id));
    const headers = degradedHeader(listed.fromCache ? ['cache'] : []);
    if (endpoint.kind !== 'model') {
      sendJson(context, 200, dialect.writeModels(cards), headers);
      return undefined;
    }
    const name = canonicalModel(endpoint.id);
    const card = cards.find(({ id }) => id === endpoint.id) ?? cards.find(({ id }) => canonicalModel(id) === name);
    if (card === undefined) return { error: new RempartError('ERR_MODEL_UNKNOWN') };
    sendJson(context, 200, dialect.writeModel(card), headers);
    return undefined;
  }
}
