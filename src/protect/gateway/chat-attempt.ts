// One attempt at a chat answer: sent in the provider's dialect, read into events, held until the journal has the request.
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import type { Failure } from '../resilience/failure.ts';
import type { Listener, Progress } from './converse.ts';
import type { ChatCall, ReplyEvent, ReplyReader } from './dialects/dialect.ts';
import type { Attempt, AttemptEnd } from './forward.ts';
import { failureOfStatus, providerRequest } from './provider-call.ts';
import type { Provider } from './route.ts';
import type { GatewaySettings } from './settings.ts';
import { createTally } from './settle.ts';
import { callUpstream, type Flow, type UpstreamEnd } from './upstream.ts';

export interface ChatAttempt {
  call: ChatCall;
  settings: GatewaySettings;
  now: () => number;
  until: number;
  signal: AbortSignal;
  /** True once the request is in the journal; false when it cannot be. */
  durable: Promise<boolean>;
  progress: Progress;
  listener: Listener | undefined;
}

export function chatAttempt(given: ChatAttempt): Attempt<void> {
  const { call, settings, now, until, signal, progress, listener } = given;
  return async (provider, key, isFallback) => {
    const asked =
      isFallback && provider.fallbackModel !== undefined ? { ...call, model: provider.fallbackModel } : call;
    const body = JSON.stringify(provider.dialect.writeCall(asked, listener !== undefined));
    const sent = { method: 'POST', path: provider.dialect.paths.chat, body } as const;
    const request = providerRequest(provider, key, sent, settings, until - now(), signal);
    progress.tally = createTally();
    progress.events = [];
    if (listener === undefined) return readWhole(given, provider, await callUpstream(provider.dispatcher, request));

    const relay = createRelay(given, listener, isFallback);
    let reader: ReplyReader | undefined;
    const end = await callUpstream(provider.dispatcher, request, (status, headers, flow) => {
      if (status !== 200 || !String(headers['content-type'] ?? '').startsWith(provider.dialect.streamType))
        return undefined;
      reader = provider.dialect.createReader((event) => relay.take(event, flow));
      return reader.push;
    });
    return concludeStream(given, provider, end, reader, relay);
  };
}

function failed(failure: Failure, committed = false): AttemptEnd<void> {
  return { kind: 'failed', failure, committed };
}

function readWhole({ progress, now }: ChatAttempt, provider: Provider, end: UpstreamEnd): AttemptEnd<void> {
  if (end.kind === 'aborted') return end;
  if (end.kind === 'failed') return failed(end.failure);
  if (end.kind === 'streamed') return failed({ kind: 'malformed', heals: true });
  const failure = failureOfStatus(provider, end.status, end.headers, end.body, now);
  if (failure !== undefined) return failed(failure);
  try {
    progress.events = provider.dialect.readReply(JSON.parse(end.body) as Json);
  } catch {
    return failed({ kind: 'malformed', heals: true });
  }
  progress.firstAt = now();
  for (const event of progress.events) progress.tally.add(event);
  return { kind: 'done', value: undefined };
}

async function concludeStream(
  { now, durable, signal }: ChatAttempt,
  provider: Provider,
  end: UpstreamEnd,
  reader: ReplyReader | undefined,
  relay: Relay,
): Promise<AttemptEnd<void>> {
  if (end.kind === 'aborted') return end;
  if (end.kind === 'failed') return failed(end.failure, await relay.settled());
  if (end.kind === 'whole') {
    const failure = failureOfStatus(provider, end.status, end.headers, end.body, now);
    return failed(failure ?? { kind: 'malformed', heals: true });
  }
  failureOfStatus(provider, 200, end.headers, '', now);
  if (readEnd(reader) === 'cut') return failed({ kind: 'cut', heals: true }, await relay.settled());
  // An answer without a word is still an answer once its own end was seen.
  relay.begin();
  if (!(await durable) || signal.aborted) return { kind: 'aborted' };
  return { kind: 'done', value: undefined };
}

function readEnd(reader: ReplyReader | undefined): 'whole' | 'cut' {
  try {
    return reader?.end() ?? 'cut';
  } catch (error) {
    if (error instanceof RempartError || error instanceof Error) return 'cut';
    throw error;
  }
}

interface Relay {
  take(event: ReplyEvent, flow: Flow): void;
  begin(): void;
  /** True when the listener has, or is about to have, a part of the answer. */
  settled(): Promise<boolean>;
}

/** Holds what comes before the first word, which may still be retried, and everything until the journal has the request. */
function createRelay({ durable, progress, now }: ChatAttempt, listener: Listener, isFallback: boolean): Relay {
  let phase: 'silent' | 'waiting' | 'open' = 'silent';
  const held: { event: ReplyEvent; flow: Flow }[] = [];
  let opened: Promise<void> = Promise.resolve();

  function begin(): void {
    if (phase !== 'silent') return;
    phase = 'waiting';
    opened = durable.then((isDurable) => {
      if (!isDurable) return;
      phase = 'open';
      listener.begin({ degraded: isFallback ? ['provider'] : [] });
      for (const { event, flow } of held.splice(0)) listener.event(event, flow);
    });
  }
  return {
    take(event, flow) {
      progress.tally.add(event);
      if (phase === 'open') {
        listener.event(event, flow);
        return;
      }
      held.push({ event, flow });
      if (phase === 'silent' && (event.kind === 'delta' || event.kind === 'finish')) {
        progress.firstAt = now();
        begin();
      }
    },
    begin,
    async settled() {
      await opened;
      return phase !== 'silent';
    },
  };
}
