// What every part stands on: the data directory, signals, journal, store, keys and sessions.
import { join } from 'node:path';
import { openAdminPassword } from '../console/admin-password.ts';
import { openDataDirectory } from '../platform/base/data-directory.ts';
import { openJournals } from '../platform/journal/journals.ts';
import { createSharedMemory } from '../platform/shared/memory.ts';
import { openSet } from '../platform/shared/set.ts';
import { createSignals, type Signals } from '../platform/signals.ts';
import { openStore, type Store, type StoreHealth } from '../platform/store/store.ts';
import { createSessions } from '../protect/chatbot/sessions.ts';
import { givenKeys } from '../protect/gateway/access-config.ts';
import { createKeys, type Keys } from '../protect/gateway/keys.ts';
import { createRevocations } from '../protect/gateway/tokens/revocations.ts';
import { createKeyRepository } from '../protect/key-repository.ts';
import { announceAccess } from '../protect/share-access.ts';
import { createTokenRepository } from '../protect/token-repository.ts';
import { watchJournal } from '../protect/watch-journal.ts';
import { startWebhook } from '../respond/escalation/webhook.ts';
import { keepEarly } from './early-signals.ts';
import { type AppOptions, type AtEnd, drainMs } from './options.ts';
import { journalFor } from './privacy.ts';
import { countWorkers } from './workers/count-workers.ts';
import { createCrewMemory, joinCrew } from './workers/crew.ts';
import { rowsPerWorker } from './workers/fleet.ts';

/** How often is looked for keys and revocations of other nodes. */
const otherNodesMs = 5_000;

export type Ground = Awaited<ReturnType<typeof openGround>>;

export async function openGround({ config, data, openLog }: AppOptions, atEnd: AtEnd) {
  const directory = await openDataDirectory(data);
  atEnd(async () => directory.lock.release());
  const log = openLog();
  const signals = createSignals();
  const watched = keepEarly(signals);
  signals.subscribe(({ kind, severity, facts }) => {
    if (severity === 'info' || severity === 'low') log.info({ signal: kind, severity, facts }, 'signal');
    else log.warn({ signal: kind, severity, facts }, 'signal');
  });
  const { webhook } = config.alerts;
  if (webhook !== undefined) {
    const alerts = startWebhook({ url: webhook, signals, log, now: Date.now, post: fetch });
    atEnd(() => alerts.close(drainMs));
  }
  const journals = await openJournals({
    dir: join(data, 'journal'),
    keyFile: join(data, 'journal.key.pem'),
    onError: (error) => log.error({ err: error }, 'the journal cannot be written'),
  });
  atEnd(() => journals.close());
  const watch = watchJournal(journalFor(config, data, await journals.stream('gateway')));
  const { path, url } = config.store;
  const store = await openStore(url === undefined ? { path: path ?? join(data, 'store.sqlite') } : { url });
  atEnd(() => store.close());
  const silence = announceStore(store, signals);
  // Its own end is no news.
  atEnd(async () => silence());
  const memory = createSharedMemory();
  const revoked = openSet(memory);
  const workers = await countWorkers(config.gateway.workers);
  const crewMemory = workers === 1 ? undefined : createCrewMemory(workers * rowsPerWorker);
  const crew = crewMemory && joinCrew(crewMemory, 0);
  const announced = crew && announceAccess(crew.bus, () => keys.list());
  atEnd(async () => crew?.bus.close());
  const keys: Keys = createKeys({
    now: Date.now,
    repository: createKeyRepository(store, join(data, 'keys.json')),
    given: givenKeys(config.access),
    revoked,
    ...(announced === undefined ? {} : { onChange: announced.keys }),
  });
  const revocations = createRevocations({
    now: Date.now,
    repository: createTokenRepository(store, join(data, 'tokens.json')),
    revoked,
    ...(announced === undefined ? {} : { onChange: announced.revocations }),
  });
  await Promise.all([keys.refresh(), revocations.refresh()]);
  const takeOver = async () => {
    await Promise.all([keys.refresh(), revocations.refresh()]);
    if (announced === undefined) return;
    announced.keys();
    for (const revocation of revocations.list()) announced.revocations(revocation);
  };
  store.onChange(({ state }) => {
    if (state === 'open') void takeOver();
  });
  if (store.kind === 'postgres') {
    // What another node revoked opens nothing here a few seconds later.
    const timer = setInterval(() => void takeOver(), otherNodesMs).unref();
    atEnd(async () => clearInterval(timer));
  }
  return {
    log,
    signals,
    /** For detectors, which also have to hear what was signalled before they listened. */
    watched,
    journals,
    watch,
    store,
    keys,
    revocations,
    memory,
    workers,
    /** With several workers: what all threads have in common. */
    crew,
    crewMemory,
    sessions: createSessions(Date.now),
    password: await openAdminPassword(data),
    directory,
  };
}

function announceStore(store: Store, signals: Signals): () => void {
  const tell = (health: StoreHealth) => {
    const { kind, severity, facts } =
      health.state === 'away'
        ? { kind: 'database-down' as const, severity: 'high' as const, facts: { cause: health.cause } }
        : { kind: 'database-recovered' as const, severity: 'info' as const, facts: {} };
    signals.emit({ kind, severity, time: Date.now(), facts });
  };
  let state = store.health().state;
  if (state === 'away') tell(store.health());
  return store.onChange((health) => {
    // The cause may change while it is away: that is no news to those who were told.
    if (health.state !== state) tell(health);
    state = health.state;
  });
}
