// One attempt at a chat answer: sent in the provider's dialect, read into events, held until the journal has the request.
import type { Ending } from '../../platform/base/ending.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import { inStep } from '../../platform/base/turn-end.ts';
import type { Grant } from '../limits/limiter.ts';
import { watchAnswer } from '../limits/watch-answer.ts';
import type { Failure } from '../resilience/failure.ts';
import type { AnswerSettings } from '../screening/answers.ts';
import type { DegradedMode } from './ask.ts';
import { degradedOf } from './degraded.ts';
import type { ChatCall, ReplyEvent, ReplyReader, Speech } from './dialects/dialect.ts';
import type { Listener, Progress } from './exchange.ts';
import { type AnswerFilter, createAnswerFilter } from './filter.ts';
import type { Attempt, AttemptEnd } from './forward.ts';
import { boundedFor } from './limit-output.ts';
import { failureOfStatus, providerRequest } from './provider-call.ts';
import { askedOf, type Provider } from './route.ts';
import type { GatewaySettings } from './settings.ts';
import { createTally } from './settle.ts';
import { callUpstream, type Flow, type UpstreamEnd } from './upstream.ts';

export interface ChatAttempt {
  call: ChatCall;
  settings: GatewaySettings;
  now: () => number;
  until: number;
  signal: Ending;
  /** True once the request is in the journal; false when it cannot be. */
  durable: Promise<boolean>;
  progress: Progress;
  listener: Listener | undefined;
  answers: AnswerSettings;
  /** What the caller may use; without it, as much as it asked for. */
  grant: Grant | undefined;
  /** Ends the upstream call. */
  cancel: () => void;
}

export function chatAttempt(given: ChatAttempt): Attempt<void> {
  const { call, settings, now, until, signal, progress, listener } = given;
  return async (provider, key, isFallback) => {
    await inStep;
    const asked = askedOf(call, provider);
    const speech = provider.dialect.speak(boundedFor(provider, asked, settings), listener !== undefined);
    const sent = { method: 'POST', path: speech.path, body: JSON.stringify(speech.body) } as const;
    await inStep;
    const request = providerRequest(provider, key, sent, settings, until - now(), signal);
    progress.tally = createTally();
    progress.events = [];
    progress.said = [];
    const filter = createAnswerFilter(given.answers, listener === undefined);
    progress.filter = filter;
    // What a route calls it, and what it is called behind it, is not the caller's to know.
    const named = (event: ReplyEvent): ReplyEvent => {
      if (event.kind !== 'model') return event;
      if (event.isOllama === true) provider.remote.isOllama();
      return asked !== call || !isNameOf(event.model, call.model) ? { kind: 'model', model: call.model } : event;
    };
    if (listener === undefined)
      return readWhole(given, provider, { ...speech, named }, await callUpstream(provider.dispatcher, request));

    const sentAt = now();
    const relay = createRelay(given, listener, degradedOf(provider, isFallback));
    let reader: ReplyReader | undefined;
    let finish = () => {};
    const watch = watchAnswer(given.grant);
    const end = await callUpstream(provider.dispatcher, request, (status, headers, flow) => {
      if (status !== 200 || !String(headers['content-type'] ?? '').startsWith(provider.dialect.streamType))
        return undefined;
      provider.health.heard(sentAt, provider.keys.indexOf(key));
      const passOn = (events: readonly ReplyEvent[]) => {
        for (const event of events) relay.take(event, flow);
        if (filter.refusal() !== undefined) given.cancel();
      };
      finish = () => passOn(filter.end());
      const reading = speech.createReader((event) => {
        const over = progress.stopped ?? watch(event);
        if (over === undefined) return passOn(filter.take(named(event)));
        progress.stopped = over;
        given.cancel();
      });
      reader = reading;
      return (chunk) => {
        reading.push(chunk);
        if (reading.isOver()) flow.ending();
      };
    });
    return concludeStream(given, provider, end, { reader, relay, filter, finish });
  };
}

function failed(failure: Failure, committed = false): AttemptEnd<void> {
  return { kind: 'failed', failure, committed };
}

/** The name that was asked for, or a version of it (`m:latest`, `m-2506`). Other texts would go out unscreened. */
function isNameOf(given: string, asked: string): boolean {
  const stem = asked.replace(/[-:]latest$/, '');
  return (
    given === asked ||
    (given.startsWith(stem) && /^(?:[-:@]latest|[-:@]\d[\d.-]{0,11})?$/.test(given.slice(stem.length)))
  );
}

async function readWhole(
  { progress, now }: ChatAttempt,
  provider: Provider,
  { readReply, named }: Pick<Speech, 'readReply'> & { named: (event: ReplyEvent) => ReplyEvent },
  end: UpstreamEnd,
): Promise<AttemptEnd<void>> {
  if (end.kind === 'aborted' || end.kind === 'unsent') return end;
  if (end.kind === 'failed') return failed(end.failure);
  if (end.kind === 'streamed') return failed({ kind: 'malformed', heals: true });
  const failure = failureOfStatus(provider, end.status, end.headers, end.body, now);
  if (failure !== undefined) return failed(failure);
  try {
    const parsed = JSON.parse(end.body) as Json;
    await inStep;
    const read = readReply(parsed);
    await inStep;
    // What was used is owed, also for an answer that may not be shown.
    for (const event of read) if (event.kind === 'usage') progress.tally.add(event);
    const filter = progress.filter!;
    progress.events = [...read.map(named).flatMap(filter.take), ...filter.end()];
  } catch {
    return failed({ kind: 'malformed', heals: true });
  }
  if (progress.filter?.refusal() !== undefined) return { kind: 'aborted' };
  progress.firstAt = now();
  progress.said = progress.events;
  for (const event of progress.events) progress.tally.add(event);
  return { kind: 'done', value: undefined };
}

async function concludeStream(
  { now, durable, signal, progress }: ChatAttempt,
  provider: Provider,
  end: UpstreamEnd,
  { reader, relay, filter, finish }: Streamed,
): Promise<AttemptEnd<void>> {
  if (end.kind === 'unsent') return end;
  const isStopped = () => filter.refusal() !== undefined || progress.stopped !== undefined;
  if (end.kind === 'aborted' && !isStopped()) return end;
  if (end.kind === 'whole') {
    const failure = failureOfStatus(provider, end.status, end.headers, end.body, now);
    return failed(failure ?? { kind: 'malformed', heals: true });
  }
  if (end.kind === 'streamed') failureOfStatus(provider, 200, end.headers, '', now);
  // What became of the connection after the last word takes nothing from the answer.
  const isWhole = end.kind !== 'aborted' && readEnd(reader) === 'whole';
  // Of an answer that was cut nothing that is still held may go: it may be the first half of what must not.
  if (isWhole) finish();
  if (isStopped()) {
    progress.shown = await relay.settled();
    return { kind: 'aborted' };
  }
  if (!isWhole && end.kind === 'failed') return failed(end.failure, await relay.settled());
  if (!isWhole) return failed({ kind: 'cut', heals: true }, await relay.settled());
  // An answer without a word is still an answer once its own end was seen.
  relay.begin();
  if (!(await durable) || signal.aborted) return { kind: 'aborted' };
  return { kind: 'done', value: undefined };
}

interface Streamed {
  reader: ReplyReader | undefined;
  relay: Relay;
  filter: AnswerFilter;
  /** Lets go of what was still held, since nothing follows. */
  finish: () => void;
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
function createRelay(
  { durable, progress, now }: ChatAttempt,
  listener: Listener,
  degraded: readonly DegradedMode[],
): Relay {
  let phase: 'silent' | 'waiting' | 'open' = 'silent';
  const held: { event: ReplyEvent; flow: Flow }[] = [];
  let opened: Promise<void> = Promise.resolve();

  function begin(): void {
    if (phase !== 'silent') return;
    phase = 'waiting';
    opened = durable.then((isDurable) => {
      if (!isDurable) return;
      phase = 'open';
      listener.begin({ degraded });
      for (const { event, flow } of held.splice(0)) listener.event(event, flow);
    });
  }
  return {
    take(event, flow) {
      progress.tally.add(event);
      if (event.kind === 'delta' || event.kind === 'finish') progress.said.push(event);
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
