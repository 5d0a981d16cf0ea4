// Puts the parts of a running instance together, in order; the parts themselves are in app/.

import { join, resolve } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createJobQueue } from './analyze/jobs/job-queue.ts';
import { jobCommands } from './analyze/jobs/queue-control.ts';
import { actuatorsOf } from './app/actuators.ts';
import { registerBehaviour } from './app/behaviour-metrics.ts';
import { openChat } from './app/chat.ts';
import { startConsole } from './app/console.ts';
import { openAnswerCache, openDeferral, waitingOf } from './app/deferred.ts';
import { firstKey } from './app/first-key.ts';
import { openGround } from './app/ground.ts';
import { openLimits } from './app/limits.ts';
import { openInstanceModes } from './app/modes.ts';
import { openFront } from './app/open-front.ts';
import { openGateway, providersOf } from './app/open-gateway.ts';
import { type App, type AppOptions, type AtEnd, drainMs } from './app/options.ts';
import { measuresOf, predictionOf } from './app/prediction.ts';
import { openPrivacy, rememberedOf } from './app/privacy.ts';
import { registerProviders } from './app/provider-metrics.ts';
import { createReload, reloadOnHangup } from './app/reload.ts';
import { openRespond } from './app/respond.ts';
import { openInstanceSinks } from './app/sinks.ts';
import { openTracing } from './app/tracing.ts';
import { modelGuardOf, networkServiceOf, watchDriftOf } from './app/watches.ts';
import { fleetOf, forgettingEverywhere, healthOf, sumOf } from './app/workers/of-instance.ts';
import type { InstanceFleet } from './app/workers/open-fleet.ts';
import { dependenciesOf, publicHealth } from './console/health.ts';
import { createLoginLimit } from './console/login-limit.ts';
import { readinessOf } from './console/status.ts';
import { serveControl } from './platform/base/control-socket.ts';
import { setLogLevel } from './platform/base/log.ts';
import { withBareNames } from './platform/base/metric-aliases.ts';
import { readOrCreateSecret } from './platform/base/secret-file.ts';
import { applicationLifecycle } from './platform/journal/ocsf.ts';
import { createAccess } from './protect/access.ts';
import { watchThresholds } from './protect/alert-rules/watch-thresholds.ts';
import { createChatbot } from './protect/chatbot/chatbot.ts';
import { createDataPlane, drain, listen } from './protect/data-plane.ts';
import { scheduleRetention } from './protect/erasure/retention.ts';
import { givenKeys } from './protect/gateway/access-config.ts';
import { createGatewayMetrics } from './protect/gateway/metrics.ts';
import { createQuarantineState } from './protect/gateway/quarantine.ts';
import { createSwappable } from './protect/gateway/swappable.ts';
import { createKeySets } from './protect/gateway/tokens/key-set.ts';
import { startHostMonitor } from './protect/host-monitor.ts';
import { keyCommands } from './protect/key-commands.ts';
import { postureCommands } from './protect/posture/models/record.ts';
import { securityDashboard } from './protect/posture/score/dashboard.ts';
import { createRecordActivity } from './protect/record-activity.ts';
import { openBehaviour } from './protect/screening/behaviour-file.ts';
import { tokenCommands } from './protect/token-commands.ts';

export type { App, AppOptions } from './app/options.ts';

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

/** Rejects when a start that is no longer wanted is still held up by one of its parts. */
function abandoned(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), 1_000), { once: true });
  });
}

async function start(given: AppOptions, atEnd: AtEnd): Promise<Omit<App, 'close'>> {
  // In a working directory that was deleted, Node would make a relative folder anew for ever.
  const options = { ...given, data: resolve(given.data) };
  const { config, lang, data } = options;
  const ground = await openGround(options, atEnd);
  let fleet: InstanceFleet | undefined;
  const { signals, watch, store, keys, revocations, memory, sessions, password, log, crew, workers } = ground;
  const modes = openInstanceModes(data, ground, atEnd);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'rempart_' });
  const providers = await providersOf(config, atEnd);
  const modelGuard = modelGuardOf(options, ground, registry, providers, atEnd);
  const behaviour = await openBehaviour(
    { file: join(data, 'behaviour.json'), now: Date.now, log, elsewhere: async () => fleet?.learned() },
    config.screening.behaviour,
  );
  atEnd(behaviour.close);
  registerBehaviour(registry, behaviour.behaviour);
  const thresholds = watchThresholds({ now: Date.now, signals, metrics: createGatewayMetrics(registry) });
  atEnd(async () => thresholds.close());
  const prediction = predictionOf(config, { signals, registry, metrics: thresholds.metrics }, atEnd);
  const metrics = prediction?.metrics ?? thresholds.metrics;
  const limits = await openLimits(
    { data, memory, log, journal: watch.journal, signals, metrics, registry, crew },
    config.limits,
    atEnd,
  );
  const deferred = openDeferral({
    ...ground,
    config,
    data,
    lang,
    journal: watch.journal,
    modes: modes.modes,
    registry,
  });
  const cache = openAnswerCache(config.localAnswers, registry);
  const tracing = await openTracing({ log, registry }, config, atEnd);
  const gatewayGround = {
    tracing,
    ...deferred?.forGateway,
    cache,
    log,
    journal: watch.journal,
    signals,
    keys,
    revocations,
    keySets: createKeySets({ now: Date.now, fetch, log }),
    memory,
    limits,
    promptKey: readOrCreateSecret(join(data, 'prompt.key'), 32),
    metrics,
    behaviour: behaviour.behaviour,
    modelGuard,
    modes: modes.modes,
    restraints: modes.restraints,
    keptHealth: healthOf(crew, memory),
    shutOut: createQuarantineState(crew && memory),
  };
  const gateway = createSwappable(openGateway(gatewayGround, config, lang, providers));
  atEnd(() => gateway.close());
  watchDriftOf(options, ground, atEnd);
  const host = startHostMonitor(signals, { now: Date.now });
  atEnd(async () => host.close());
  const sinks = openInstanceSinks({ config, data, log, registry }, atEnd);
  const { book, converse, earlier } = await openChat(
    options,
    ground,
    { ask: gateway.ask, host, later: deferred?.later },
    atEnd,
  );
  await deferred?.start({ gateway, book }, atEnd);
  prediction?.start(measuresOf(config, store, limits));
  const { privacy, ...erasing } = openPrivacy({
    ...ground,
    config: () => running.config,
    data,
    book,
    journal: watch.journal,
    holdings: [
      ...rememberedOf(forgettingEverywhere(behaviour.behaviour, crew), earlier),
      ...waitingOf(deferred, cache),
    ],
    endSessions: sessions.endAll,
  });
  const record = createRecordActivity({ journal: watch.journal, now: Date.now });
  const access = createAccess({
    keys,
    identify: gateway.identify,
    sessions,
    checkPassword: (given) => password.check(given),
    limit: createLoginLimit(Date.now),
    failedAuth: gateway.failedAuth,
    record,
    now: Date.now,
  });
  const chatbot = createChatbot(
    {
      converse,
      book,
      privacy,
      log,
      record,
      deferral: deferred?.deferral,
      authenticate: modes.guarded(access.authenticate),
      admitSource: gateway.admitSource,
      login: access.login,
    },
    {
      lang,
      // Asked at each question: what a reload changes for calls to models is changed here too.
      get maxBodyBytes() {
        return running.config.gateway.maxBodyBytes;
      },
      get maxBodyDepth() {
        return running.config.gateway.maxBodyDepth;
      },
      get unknownFields() {
        return running.config.gateway.unknownFields;
      },
    },
  );
  registerProviders(registry, gateway.state);
  const dependencies = () =>
    dependenciesOf({
      workers: fleet?.state,
      journalWritable: () => watch.writable() && (fleet?.journalWritable() ?? true),
      store: store.health,
      waiting: book.away,
      host: host.health,
      gateway: gateway.state,
      sinks: sinks.states,
    });
  const front = openFront(gatewayGround, config, lang);
  atEnd(front.close);
  const health = () => publicHealth(dependencies(), modes.active());
  const dataPlane = createDataPlane({ gateway, chatbot, health, ...front });
  const standin = config.providers.length === 0;
  let running = { config, providers };
  const network = networkServiceOf(options, ground, registry, atEnd);
  fleet = fleetOf(options, ground, { ...gatewayGround, registry, network, prediction, running: () => running });
  if (fleet === undefined) network?.watchPeers(dataPlane);
  const address = { ...config.gateway, flag: '--port', setting: 'gateway' };
  const gatewayUrl = await (fleet?.serve(dataPlane, address, atEnd) ?? listen(dataPlane, address));
  atEnd(() => drain(dataPlane, drainMs));
  const keeping = scheduleRetention(erasing.retention, () => running.config.retention, log);
  atEnd(() => keeping.close());
  let { bareNames } = config.metrics;
  const reload =
    options.loadAnew &&
    createReload(
      {
        load: options.loadAnew,
        journal: watch.journal,
        log,
        now: Date.now,
        async apply(next) {
          const providing = next.providers.length === 0 && standin ? providers : await providersOf(next, atEnd);
          const successor = openGateway(gatewayGround, next, lang, providing);
          const commit = await fleet?.prepare({ config: next, providers: providing }, successor);
          // From here on nothing may fail.
          keys.give(givenKeys(next.access));
          gateway.swap(successor);
          running = { config: next, providers: providing };
          commit?.();
          front.replace(next);
          limits.places.replace(next.limits.concurrency);
          setLogLevel(log, next.log);
          ({ bareNames } = next.metrics);
          await sinks.replace(next);
        },
      },
      config,
    );
  if (reload !== undefined) reloadOnHangup(reload, atEnd);
  const consoleUrl = await startConsole(
    { config, lang, log, access, keys, converse, record, deferral: deferred?.deferral, reload: reload?.reload },
    {
      readiness: () => readinessOf(dependencies(), modes.active(), prediction?.predictions()),
      dashboard: () => securityDashboard(data, Date.now()),
      metrics: async () => {
        const text = await (fleet ?? registry).metrics();
        return { type: registry.contentType, text: bareNames ? withBareNames(text) : text };
      },
      facts: () => ({ standin, gatewayUrl, outcomes: sumOf(watch.outcomes(), fleet?.outcomes()) }),
    },
    atEnd,
  );
  const { journals } = ground;
  const { configFile, respondWith } = options;
  const respond = await openRespond(
    {
      config,
      data,
      store,
      journals,
      log,
      registry,
      now: Date.now,
      ask: gateway.ask,
      actuators: actuatorsOf({
        ...modes,
        journal: watch.journal,
        keys,
        record,
        running: () => running,
        limits,
        reload,
        now: Date.now,
      }),
      ...(configFile === undefined ? {} : { configFile }),
      ...(respondWith === undefined ? {} : { respondWith }),
    },
    atEnd,
  );
  options.onRespond?.(respond);
  const control = await serveControl(data, {
    ...keyCommands({ keys, record, now: Date.now }),
    ...tokenCommands({ revocations, record, now: Date.now }),
    ...postureCommands(watch.journal, Date.now),
    ...modes.commands,
    ...erasing.commands,
    ...jobCommands(createJobQueue(store)),
    ...respond.commands,
  });
  atEnd(() => control.close());
  await respond.watch(ground.watched);
  await watch.journal.append(applicationLifecycle({ activity: 'start', time: Date.now() }));
  const apiKey = await firstKey(keys, record, log);
  options.signal.throwIfAborted();
  password.keep();
  const firstRun = {
    ...(password.fresh === undefined ? {} : { password: password.fresh }),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
  const storeAway = store.health().state === 'away';
  const first = Object.keys(firstRun).length === 0 ? {} : { firstRun };
  return { gatewayUrl, consoleUrl, workers, standin, storeAway, ...first };
}
