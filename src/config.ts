// File + environment -> one checked, frozen object. The only reader of process.env.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { milliseconds, secret, text, urlIssue } from './platform/base/config-fields.ts';
import { withNumbers } from './platform/base/environment-number.ts';
import { environmentProxy, isLoopback } from './platform/base/environment-proxy.ts';
import { RempartError } from './platform/base/errors.ts';
import { fileIssue, schemaIssue } from './platform/base/schema-issue.ts';
import type { TextKey } from './platform/i18n/say.ts';
import { sinksIssue, sinksSchema } from './platform/journal/sinks/sinks-config.ts';
import { deferredIssue, deferredSchema } from './protect/deferred/deferred-config.ts';
import { privacySchema, retentionSchema } from './protect/erasure/erasure-config.ts';
import { accessIssues, accessSchema } from './protect/gateway/access-config.ts';
import { frontFields } from './protect/gateway/front/front-config.ts';
import { providersIssue, providersSchema } from './protect/gateway/providers-config.ts';
import { routesIssue, routesSchema } from './protect/gateway/routes-config.ts';
import { tracingIssue, tracingSchema } from './protect/gateway/tracing-config.ts';
import { limitsSchema } from './protect/limits/limits-config.ts';
import { modelsIssue, modelsSchema } from './protect/posture/models/models-config.ts';
import { predictionSchema } from './protect/prediction/prediction-config.ts';
import { localAnswersSchema } from './protect/resilience/local-config.ts';
import { screeningSchema } from './protect/screening/screening-config.ts';
import { respondSchema } from './respond/respond-config.ts';

/** More threads than cores of a gateway's machine serve nobody. */
export const maxWorkers = 64;

const port = z.number().int().min(0).max(65535);
const workersSchema = z.union([z.literal('auto'), z.number().int().min(1).max(maxWorkers)], 'issue.workers');

const timeouts = z.strictObject({
  connectMs: milliseconds.default(2_000),
  firstByteMs: milliseconds.default(10_000),
  idleMs: milliseconds.default(15_000),
  totalMs: milliseconds.default(120_000),
});

export const configSchema = z.strictObject({
  lang: z.enum(['fr', 'en']).default('en'),
  log: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  gateway: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: port.default(8080),
      /** Threads that serve it; auto: one for each core. */
      workers: workersSchema.default(1),
      ...frontFields,
      maxBodyBytes: z.number().int().min(1024).default(1_048_576),
      maxBodyDepth: z.number().int().min(4).default(32),
      unknownFields: z.enum(['refuse', 'drop']).default('drop'),
      timeouts: timeouts.prefault({}),
      retries: z
        .strictObject({
          max: z.number().int().min(0).max(5).default(2),
          baseMs: milliseconds.default(250),
          maxWaitMs: milliseconds.default(3_000),
          /** A request that finds the network just cut waits so long for it to come back; 0: it answers at once. */
          rideOutMs: z.number().int().min(0).max(60_000).default(6_000),
        })
        .prefault({}),
      breaker: z
        .strictObject({ failures: z.number().int().min(1).default(5), halfOpenMs: milliseconds.default(2_000) })
        .prefault({}),
    })
    .prefault({}),
  console: z.strictObject({ host: z.string().default('127.0.0.1'), port: port.default(8081) }).prefault({}),
  store: z
    .strictObject({
      /** SQLite file; default store.sqlite in the data directory. */
      path: text.optional(),
      /** postgres://…; when set, SQLite is not used. DATABASE_URL sets it. */
      url: secret.optional(),
    })
    .prefault({}),
  /** Empty: the stand-in answers, and says that it is one. */
  providers: providersSchema.default([]),
  /** Where calls for a model go; those for any other to the providers in their order. */
  routes: routesSchema.default([]),
  chatbot: z
    .strictObject({
      model: z.string().default('rempart-standin'),
      system: z.string().default(''),
      /** Whom a user can turn to when the chatbot is in trouble: shown in its messages. */
      contact: z.string().default(''),
      historyMessages: z.number().int().min(1).default(20),
    })
    .prefault({}),
  access: accessSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  /** Requests that can wait. */
  deferred: deferredSchema.prefault({}),
  /** What is answered when no provider can. */
  localAnswers: localAnswersSchema.prefault({}),
  /** With it, models are watched, and the gateway uses only those that are verified. */
  models: modelsSchema.optional(),
  /** File of the deployment profile: with it, connections between its zones are watched. */
  deployment: text.optional(),
  posture: z
    .strictObject({
      /** Seconds between two looks at the connections. */
      every: z.number().int().min(1).max(3_600).default(5),
      /** Socket of the container engine, to be told of its networks; default: where Docker and Podman have it. */
      engine: text.optional(),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      /** The six that are known elsewhere by names without a prefix are told under those names too. */
      bareNames: z.boolean().default(false),
    })
    .prefault({}),
  screening: screeningSchema.prefault({}),
  /** Incidents: what is watched, what answers them, what actions may do. */
  respond: respondSchema.prefault({}),
  alerts: z.strictObject({ webhook: text.optional() }).prefault({}),
  /** Where copies of the journal go. */
  sinks: sinksSchema.prefault({}),
  /** How long what people wrote is kept. */
  retention: retentionSchema.prefault({}),
  privacy: privacySchema.prefault({}),
  /** Failures told of before they happen. */
  prediction: predictionSchema.prefault({}),
  /** Where spans of requests go; nothing is traced without an address. */
  tracing: tracingSchema.prefault({}),
  /** Asked for the summing-up of `analyze` when --narrator names it, and only then. */
  narrator: z
    .strictObject({
      /** Address before the dialect's own path; the gateway by default, so that its guards apply. */
      url: text.default('http://127.0.0.1:8080'),
      /** REMPART_NARRATOR_KEY sets it too. */
      key: secret.optional(),
      /** By default one that the named dialect usually has. */
      model: text.optional(),
      timeoutMs: milliseconds.default(60_000),
    })
    .prefault({}),
});

/** The checked configuration with `env:` and `file:` resolved; deeply frozen. */
export type Config = z.output<typeof configSchema>;
export type ProviderConfig = Config['providers'][number];

export interface ConfigSources {
  /** Path of the file; a missing file is an error only when it was `asked` for. */
  file: string;
  asked: boolean;
  env: Readonly<Record<string, string | undefined>>;
}

/** Reads, checks, resolves and freezes. Throws ERR_CONFIG_UNREADABLE, ERR_CONFIG_UNKNOWN_KEY, ERR_CONFIG_INVALID, ERR_SECRET_MISSING. */
export function loadConfig({ file, asked, env }: ConfigSources): Config {
  const raw = readYaml(file, asked);
  const parsed = configSchema.safeParse(withNumbers(raw ?? {}, configSchema, env));
  if (!parsed.success) throw describeIssue(file, parsed.error, raw);
  const merged =
    env['DATABASE_URL'] && parsed.data.store.url === undefined ? withDatabaseUrl(parsed.data) : parsed.data;
  const resolved = resolve(withModelStore(merged, env['OLLAMA_MODELS']), '', env) as Config;
  checkResolved(file, resolved);
  return deepFreeze({ ...resolved, providers: resolved.providers.map((provider) => withProxy(provider, env)) });
}

/** Where Ollama itself is told to keep its models. */
function withModelStore(config: Config, folder: string | undefined): Config {
  if (config.models === undefined || config.models.store !== undefined || !folder) return config;
  return { ...config, models: { ...config.models, store: folder } };
}

function withDatabaseUrl(config: Config): Config {
  return { ...config, store: { ...config.store, url: 'env:DATABASE_URL' } };
}

/** From here on `proxy` is an address, or `none`. */
function withProxy(provider: ProviderConfig, env: ConfigSources['env']): ProviderConfig {
  const { proxy, url } = provider;
  if (proxy === 'none') return provider;
  const heeds = proxy === 'environment' || (proxy === 'auto' && !isLoopback(url));
  if (proxy !== 'auto' && proxy !== 'environment') return provider;
  return { ...provider, proxy: (heeds ? environmentProxy(url, env) : undefined) ?? 'none' };
}

function readYaml(file: string, asked: boolean): unknown {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !asked) return {};
    throw new RempartError('ERR_CONFIG_UNREADABLE', { file, what: fileIssue(error) }, error);
  }
  try {
    return parse(source, { maxAliasCount: 20 });
  } catch (error) {
    throw new RempartError('ERR_CONFIG_UNREADABLE', { file, what: fileIssue(error) }, error);
  }
}

function describeIssue(file: string, error: z.ZodError, given: unknown): RempartError {
  const issue = schemaIssue(error, configSchema, given);
  if (issue.kind === 'invalid')
    return new RempartError('ERR_CONFIG_INVALID', { file, path: issue.path, what: issue.what });
  return new RempartError('ERR_CONFIG_UNKNOWN_KEY', { file, key: issue.path, nearest: issue.nearest });
}

/** What only shows once `env:` and `file:` are resolved: refused here, before anything is opened or written. */
function checkResolved(file: string, config: Config): void {
  const { providers, alerts, store, models, narrator, access, sinks, routes } = config;
  const refuse = (path: string, key: TextKey, facts = {}): never => {
    throw new RempartError('ERR_CONFIG_INVALID', { file, path, what: { key, facts } });
  };
  for (const { path, issue } of accessIssues(access)) refuse(path, issue);
  const wrongProvider = providersIssue(providers);
  if (wrongProvider !== undefined) refuse(wrongProvider.path, wrongProvider.key, wrongProvider.facts);
  const names = new Set(providers.map(({ name }) => name));
  const wrongRoute = routesIssue(routes, providers);
  if (wrongRoute !== undefined) refuse(wrongRoute.path, wrongRoute.key, wrongRoute.facts);
  const wrongDeferred = deferredIssue(config.deferred);
  if (wrongDeferred !== undefined) refuse(wrongDeferred.path, wrongDeferred.key);
  const wrongTrace = tracingIssue(config.tracing, [...names]);
  if (wrongTrace !== undefined) refuse(wrongTrace.path, wrongTrace.key, wrongTrace.facts);
  const wrongSink = sinksIssue(sinks);
  if (wrongSink !== undefined) refuse(wrongSink.path, wrongSink.key, wrongSink.facts);
  const wrong = alerts.webhook === undefined ? undefined : urlIssue(alerts.webhook);
  if (wrong !== undefined) refuse('alerts.webhook', wrong);
  const wrongNarrator = urlIssue(narrator.url);
  if (wrongNarrator !== undefined) refuse('narrator.url', wrongNarrator);
  const wrongModels = models === undefined ? undefined : modelsIssue(models, names);
  if (wrongModels !== undefined) refuse(wrongModels.path, wrongModels.key, wrongModels.facts);
  if (store.url !== undefined && !/^postgres(ql)?:\/\/./.test(store.url)) refuse('store.url', 'issue.postgres');
}

function resolve(value: unknown, path: string, env: ConfigSources['env']): unknown {
  if (Array.isArray(value)) return value.map((entry, index) => resolve(entry, `${path}.${index}`, env));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, resolve(entry, path === '' ? key : `${path}.${key}`, env)]),
    );
  }
  if (typeof value !== 'string') return value;
  if (value.startsWith('env:')) {
    const name = value.slice(4);
    const found = env[name];
    // An empty one is as good as none: an empty key would open everything to whoever sends none.
    if (!found) throw new RempartError('ERR_SECRET_MISSING', { name, path });
    return found;
  }
  if (value.startsWith('file:')) {
    try {
      return readFileSync(value.slice(5), 'utf8').trimEnd();
    } catch (error) {
      throw new RempartError('ERR_SECRET_MISSING', { name: value.slice(5), path }, error);
    }
  }
  return value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const entry of Object.values(value)) deepFreeze(entry);
  }
  return value;
}
