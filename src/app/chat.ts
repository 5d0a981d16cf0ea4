// The chatbot's ground: its book of conversations, and the gate that decides who may ask when the machine is busy.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { AskLater } from '../protect/chatbot/answer-later.ts';
import { createBook, type Op } from '../protect/chatbot/book.ts';
import { createChatStore } from '../protect/chatbot/chat-store.ts';
import { createConverse } from '../protect/chatbot/converse.ts';
import { createEarlierAnswers } from '../protect/chatbot/earlier-answers.ts';
import { openSpool } from '../protect/chatbot/spool.ts';
import { createGate } from '../protect/gate.ts';
import type { Ask } from '../protect/gateway/ask.ts';
import type { HostHealth } from '../protect/host-monitor.ts';
import { screenAnswer } from '../protect/screening/answers.ts';
import type { Ground } from './ground.ts';
import type { AppOptions, AtEnd } from './options.ts';

export async function openChat(
  { config, data }: AppOptions,
  { store, log }: Ground,
  { ask, host, later }: { ask: Ask; host: { health(): HostHealth }; later?: AskLater | undefined },
  atEnd: AtEnd,
) {
  const gate = createGate({
    limit: () => (host.health().state === 'ok' ? 256 : availableParallelism()),
    maxWaiting: 128,
    maxWaitMs: 8_000,
    retryAfterSeconds: 5,
  });
  const setAside = await openSpool<Op>(join(data, 'spool', 'set-aside.jsonl'));
  atEnd(() => setAside.close());
  const book = createBook({
    store: createChatStore(store),
    spool: await openSpool<Op>(join(data, 'spool', 'chat.jsonl')),
    setAside,
    onStoreChange: (listener) => store.onChange(({ state }) => listener(state === 'open')),
    log,
    now: Date.now,
  });
  atEnd(() => book.close());
  const earlier = createEarlierAnswers();
  const converse = createConverse(
    {
      ask,
      book,
      admit: gate.admit,
      now: Date.now,
      log,
      earlier,
      earlierMs: config.localAnswers.cacheMinutes * 60_000,
      isFit: isFitFor(config),
      ...(later === undefined ? {} : { later }),
    },
    config.chatbot,
  );
  return { book, converse, earlier };
}

/** Rules may be stricter by now than they were when it was given. */
function isFitFor({ localAnswers, screening }: Config): (answer: string) => boolean {
  if (localAnswers.cache === 'off') return () => false;
  return (answer) => screenAnswer(answer, { policy: screening.answers }).kind === 'passed';
}
