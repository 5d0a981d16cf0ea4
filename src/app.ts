// Puts the parts together: the only file that knows them all.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Config } from './config.ts';
import { openAdminPassword } from './console/admin-password.ts';
import { createAdminServer } from './console/admin-server.ts';
import { dependenciesOf, publicHealth } from './console/health.ts';
import { createLoginLimit } from './console/login-limit.ts';
import { type Readiness, readinessOf, type Status } from './console/status.ts';
import { serveControl } from './platform/base/control-socket.ts';
import { openDataDirectory } from './platform/base/data-directory.ts';
import { createLimitedServer } from './platform/base/limited-server.ts';
import type { Log } from './platform/base/log.ts';
import { withBareNames } from './platform/base/metric-aliases.ts';
import { readOrCreateSecret } from './platform/base/secret-file.ts';
import { loadDeployment } from './platform/documents/load-deployment.ts';
import type { Lang } from './platform/i18n/say.ts';
import { openJournals } from './platform/journal/journals.ts';
import { applicationLifecycle } from './platform/journal/ocsf.ts';
import { createSignals, type Signals } from './platform/signals.ts';
import { openStore, type Store, type StoreHealth } from './platform/store/store.ts';
import { type Access, createAccess } from './protect/access.ts';
import { createBook, type Op } from './protect/chatbot/book.ts';
import { createChatStore } from './protect/chatbot/chat-store.ts';
import { createChatbot } from './protect/chatbot/chatbot.ts';
import { createConsoleChat } from './protect/chatbot/console-chat.ts';
import { type Converse, createConverse } from './protect/chatbot/converse.ts';
import { createSessions } from './protect/chatbot/sessions.ts';
import { openSpool } from './protect/chatbot/spool.ts';
import { createDataPlane, drain, listen } from './protect/data-plane.ts';
import { createGate } from './protect/gate.ts';
import { createGateway } from './protect/gateway/gateway.ts';
import { createKeys, type Keys } from './protect/gateway/keys.ts';
import { createGatewayMetrics } from './protect/gateway/metrics.ts';
import type { GatewaySettings } from './protect/gateway/settings.ts';
import { startHostMonitor } from './protect/host-monitor.ts';
import { createKey, keyCommands } from './protect/key-commands.ts';
import { createKeyRepository } from './protect/key-repository.ts';
import { watchDrift } from './protect/posture/baseline/watch-drift.ts';
import { engineSocket } from './protect/posture/exposure/engine.ts';
import { type ModelService, startModelService } from './protect/posture/models/model-service.ts';
import { postureCommands } from './protect/posture/models/record.ts';
import { storeFolder } from './protect/posture/models/store.ts';
import { type NetworkService, startNetworkService } from './protect/posture/monitor/network-service.ts';
import { securityDashboard } from './protect/posture/score/dashboard.ts';
import { createRecordActivity, type RecordActivity } from './protect/record-activity.ts';
import { openBehaviour } from './protect/screening/behaviour-file.ts';
import { loadPromptScreen } from './protect/screening/shipped.ts';
import { watchJournal } from './protect/watch-journal.ts';
import { startWebhook } from './respond/escalation/webhook.ts';
import { startStandin } from './simulate/standin/standin.ts';

export interface AppOptions {
  config: Config;
  data: string;
  /** The file that the configuration was read from: with it, a departure from the signed baseline is told. */
  configFile?: string;
  lang: Lang;
  /** Called once the data directory is held, so that a log in it has one writer. */
  openLog: () => Log;
  /** Ends a start that is under way; once it is done, `close` does. */
  signal: AbortSignal;
}

export interface App {
  gatewayUrl: string;
  consoleUrl: string;
  /** No provider is configured, so the stand-in answers. */
  standin: boolean;
  /** The database could not be reached: conversations wait on this machine until it is back. */
  storeAway: boolean;
  /** At the first start: what is shown once and kept nowhere in clear. */
  firstRun?: { password?: string; apiKey?: string };
  close(): Promise<void>;
}

const drainMs = 2_000;
const driftEveryMs = 30_000;

/** Starts everything; what was started is ended again when a later part cannot start. */
export async function startApp(options: AppOptions): Promise<App> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (let end = closers.pop(); end !== undefined; end = closers.pop()) await end();
  };
  const { signal } = options;
  const atEnd: AtEnd = (end) => {
    closers.push(end);
    signal.throwIfAborted();
  };
  try {
    signal.throwIfAborted();
    return { ...(await Promise.race([start(options, atEnd), abandoned(signal)])), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Remembers how a part is ended; throws once the start is no longer wanted. */
type AtEnd = (end: () => Promise<void>) => void;

/** Rejects when a start that is no longer wanted is still held up by one of its parts. */
function abandoned(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), 1_000), { once: true });
  });
}

async function start(options: AppOptions, atEnd: AtEnd): Promise<Omit<App, 'close'>> {
  const { config, data, lang } = options;
  const ground = await openGround(options, atEnd);
  const { signals, watch, store, keys, sessions, password, log } = ground;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'rempart_' });
  const providers = await providersOf(config, atEnd);
  const modelGuard = modelGuardOf(options, ground, registry, providers, atEnd);
  const gateway = createGateway(
    {
      now: Date.now,
      random: Math.random,
      log,
      journal: watch.journal,
      signals,
      keys,
      promptKey: readOrCreateSecret(join(data, 'prompt.key'), 32),
      metrics: createGatewayMetrics(registry),
      ...(await screeningParts(options, log, atEnd)),
      ...(modelGuard === undefined ? {} : { modelGuard }),
    },
    { ...config.gateway, lang, providers, screening: screeningOf(config) },
  );
  atEnd(() => gateway.close());
  if (options.configFile !== undefined) {
    const drift = watchDrift({
      data,
      configFile: options.configFile,
      signals,
      log,
      now: Date.now,
      everyMs: driftEveryMs,
    });
    atEnd(async () => drift.close());
  }
  const host = startHostMonitor(signals, { now: Date.now });
  atEnd(async () => host.close());
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
  const converse = createConverse({ ask: gateway.ask, book, admit: gate.admit, now: Date.now, log }, config.chatbot);
  const record = createRecordActivity({ journal: watch.journal, now: Date.now });
  const access = createAccess({
    keys,
    sessions,
    checkPassword: (given) => password.check(given),
    limit: createLoginLimit(Date.now),
    failedAuth: gateway.failedAuth,
    record,
    now: Date.now,
  });
  const chatbot = createChatbot(
    { converse, book, log, record, authenticate: access.authenticate, login: access.login },
    { lang, ...config.gateway },
  );
  const dependencies = () =>
    dependenciesOf({
      journalWritable: watch.writable,
      store: store.health,
      waiting: book.away,
      host: host.health,
      gateway: gateway.state,
    });
  const dataPlane = createDataPlane({ gateway, chatbot, health: () => publicHealth(dependencies()) });
  networkServiceOf(options, ground, registry, atEnd)?.watchPeers(dataPlane);
  const gatewayUrl = await listen(dataPlane, { ...config.gateway, flag: '--port', setting: 'gateway' });
  atEnd(() => drain(dataPlane, drainMs));
  const standin = config.providers.length === 0;
  const consoleUrl = await startConsole(
    { config, lang, log, access, keys, converse, record },
    {
      readiness: () => readinessOf(dependencies()),
      dashboard: () => securityDashboard(data, Date.now()),
      metrics: async () => {
        const text = await registry.metrics();
        return { type: registry.contentType, text: config.metrics.bareNames ? withBareNames(text) : text };
      },
      facts: () => ({ standin, gatewayUrl, outcomes: watch.outcomes() }),
    },
    atEnd,
  );
  const control = await serveControl(data, {
    ...keyCommands({ keys, record, now: Date.now }),
    ...postureCommands(watch.journal, Date.now),
  });
  atEnd(() => control.close());
  await watch.journal.append(applicationLifecycle({ activity: 'start', time: Date.now() }));
  const apiKey = await firstKey(keys, record, log);
  options.signal.throwIfAborted();
  password.keep();
  const firstRun = {
    ...(password.fresh === undefined ? {} : { password: password.fresh }),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
  const storeAway = store.health().state === 'away';
  return { gatewayUrl, consoleUrl, standin, storeAway, ...(Object.keys(firstRun).length === 0 ? {} : { firstRun }) };
}

/** What every part stands on: signals, journal, store, access. */
async function openGround({ config, data, openLog }: AppOptions, atEnd: AtEnd) {
  const directory = await openDataDirectory(data);
  atEnd(async () => directory.lock.release());
  const log = openLog();
  const signals = createSignals();
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
  const watch = watchJournal(await journals.stream('gateway'));
  const { path, url } = config.store;
  const store = await openStore(url === undefined ? { path: path ?? join(data, 'store.sqlite') } : { url });
  atEnd(() => store.close());
  const silence = announceStore(store, signals);
  // Its own end is no news.
  atEnd(async () => silence());
  const keys = createKeys({
    now: Date.now,
    repository: createKeyRepository(store, join(data, 'keys.json')),
    given: config.access.keys,
  });
  await keys.refresh();
  store.onChange(({ state }) => {
    if (state === 'open') void keys.refresh();
  });
  return {
    log,
    signals,
    watch,
    store,
    keys,
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

/** With `models` in the configuration: the watch over the store that the gateway asks before it uses a model. */
function modelGuardOf(
  { config, data }: AppOptions,
  { signals, watch, log }: Awaited<ReturnType<typeof openGround>>,
  registry: Registry,
  providers: GatewaySettings['providers'],
  atEnd: AtEnd,
): ModelService | undefined {
  const { models } = config;
  if (models === undefined) return undefined;
  const service = startModelService(
    { data, signals, journal: watch.journal, log, registry, now: Date.now, fetch },
    {
      folder: storeFolder(models.store, {}),
      api: models.api,
      everyMs: models.every * 1_000,
      fullEveryMs: models.full * 3_600_000,
      onMismatch: models.onMismatch,
      providers: models.providers ?? providers.filter(({ dialect }) => dialect === 'ollama').map(({ name }) => name),
    },
  );
  atEnd(() => service.close());
  return service;
}

/** With a deployment profile in the configuration: the watch over connections between its zones. */
function networkServiceOf(
  { config, data }: AppOptions,
  { signals, log }: Awaited<ReturnType<typeof openGround>>,
  registry: Registry,
  atEnd: AtEnd,
): NetworkService | undefined {
  if (config.deployment === undefined) return undefined;
  const service = startNetworkService(
    { data, signals, log, registry, now: Date.now },
    {
      deployment: loadDeployment(config.deployment),
      everyMs: config.posture.every * 1_000,
      engine: config.posture.engine ?? engineSocket({}),
    },
  );
  atEnd(() => service.close());
  return service;
}

/** The weights and rules are read now: a gateway that could not check a text must not start as if it could. */
async function screeningParts({ config, data }: AppOptions, log: Log, atEnd: AtEnd) {
  const screen = loadPromptScreen({ thresholds: config.screening.thresholds });
  const behaviour = await openBehaviour(
    { file: join(data, 'behaviour.json'), now: Date.now, log },
    config.screening.behaviour,
  );
  atEnd(behaviour.close);
  return { screen, behaviour: behaviour.behaviour };
}

function screeningOf({
  screening: { prompts, answers, whenUnscreened, behaviour, quarantine, operatorRoles },
}: Config) {
  return { policy: { prompts, answers, whenUnscreened }, behaviour, quarantine, operatorRoles };
}

/** The providers of the configuration, or the stand-in's address when there is none. */
async function providersOf(config: Config, atEnd: AtEnd): Promise<GatewaySettings['providers']> {
  if (config.providers.length > 0) return config.providers;
  // Users choose the model's name here: one of them must not take the provider from the others.
  const standin = await startStandin({ errorsOnDemand: false });
  atEnd(() => standin.close());
  return [{ name: 'standin', dialect: 'openai', url: standin.url }];
}

/** A key to begin with; who has any, or has brought their own, needs no other. */
async function firstKey(keys: Keys, record: RecordActivity, log: Log): Promise<string | undefined> {
  // Asked once more: a store that has come back meanwhile may bring some.
  await keys.refresh();
  if (keys.list().length > 0) return undefined;
  try {
    return (await createKey(keys, record, { subject: 'first-user', role: 'user' })).secret;
  } catch (error) {
    log.warn({ err: error }, 'the first API key could not be stored');
    return undefined;
  }
}

interface ConsoleParts {
  config: Config;
  lang: Lang;
  log: Log;
  access: Access;
  keys: Keys;
  converse: Converse;
  record: RecordActivity;
}

interface ConsoleView {
  readiness: () => Readiness;
  dashboard: () => Promise<object>;
  metrics: () => Promise<{ type: string; text: string }>;
  facts: () => Pick<Status, 'standin' | 'gatewayUrl' | 'outcomes'>;
}

async function startConsole(parts: ConsoleParts, view: ConsoleView, atEnd: AtEnd): Promise<string> {
  const { config, lang, log, access, keys, converse, record } = parts;
  const admin = createAdminServer(
    {
      lang,
      log,
      hosts: [config.console.host],
      ...view,
      status: async () => ({
        ...view.readiness(),
        ...view.facts(),
        keys: keys.list().map(({ id, subject, role, revokedAt }) => ({
          prefix: id,
          subject,
          role,
          revoked: revokedAt !== undefined,
        })),
      }),
      login: (password, address) => access.login({ password }, address),
      mayRead: (token) => ['admin', 'operator', 'viewer'].includes(access.ofSession(token, '')?.role ?? ''),
      logout: access.logout,
      chat: createConsoleChat({ access, converse, record }),
    },
    (c) => (c.env as HttpBindings).incoming.socket.remoteAddress ?? '',
  );
  const server = createLimitedServer(getRequestListener(admin.fetch), { connections: 200 });
  const url = await listen(server, { ...config.console, flag: '--console-port', setting: 'console' });
  atEnd(() => drain(server, drainMs));
  return url;
}
