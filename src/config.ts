// File + environment -> one checked, frozen object. The only reader of process.env.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
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
import { routesIssue, routesSchema, weightedKeys } from './protect/gateway/routes-config.ts';
import { tracingIssue, tracingSchema } from './protect/gateway/tracing-config.ts';
import { limitsSchema } from './protect/limits/limits-config.ts';
import { predictionSchema } from './protect/prediction/prediction-config.ts';
import { localAnswersSchema } from './protect/resilience/local-config.ts';
import { respondSchema } from './respond/respond-config.ts';

/** More threads than cores of a gateway's machine serve nobody. */
export const maxWorkers = 64;

const port = z.number().int().min(0).max(65535);
const milliseconds = z.number().int().min(1).max(3_600_000);
const workersSchema = z.union([z.literal('auto'), z.number().int().min(1).max(maxWorkers)], 'issue.workers');

/** A value given as it is, or as `env:NAME`. */
const text = z.string();
/** A secret: only ever `env:NAME` or `file:PATH`, so that no key is written in a configuration file. */
const secret = z.string().regex(/^(env|file):.+/, 'issue.secret');

const provider = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'issue.provider.name'),
  dialect: z.enum(['openai', 'mistral', 'ollama']),
  /** Origin without path, e.g. https://api.mistral.ai; the dialect adds its own path. */
  url: text,
  key: secret.optional(),
  /** Keys that share the work by their weights, with `key` where there is one, whose weight is 1. */
  keys: weightedKeys(secret).default([]),
  /** Used in order once the keys before them are refused. */
  spareKeys: z.array(secret).default([]),
  /**
   * The way there: `auto` heeds HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY but goes to this machine straight,
   * `environment` heeds them there too, `none` goes straight; else a proxy's address.
   */
  proxy: text.default('auto'),
  /** Whose limits its keys have: providers of one account name the same one. Default: its own name. */
  workspace: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'issue.provider.name')
    .optional(),
});

const action = z.enum(['block', 'mask', 'flag', 'pass']);
type ActionName = z.output<typeof action>;
/** Attacks come from users and tools; what an operator or the model itself said is told, not stopped. */
const byRole = (user: ActionName, tool: ActionName, assistant: ActionName, system: ActionName) =>
  z
    .strictObject({
      user: action.default(user),
      tool: action.default(tool),
      assistant: action.default(assistant),
      system: action.default(system),
    })
    .prefault({});
const share = z.number().min(0).max(1);

/** What is done about what screening finds. */
const screening = z.strictObject({
  prompts: z
    .strictObject({
      injection: byRole('block', 'block', 'flag', 'flag'),
      jailbreak: byRole('block', 'block', 'flag', 'flag'),
      'code-execution': byRole('block', 'block', 'flag', 'flag'),
      secret: byRole('flag', 'flag', 'flag', 'flag'),
      'personal-data': byRole('pass', 'pass', 'pass', 'pass'),
    })
    .prefault({}),
  answers: z
    .strictObject({
      secret: action.default('mask'),
      'personal-data': action.default('mask'),
      internal: action.default('flag'),
      'system-prompt': action.default('block'),
    })
    .prefault({}),
  whenUnscreened: z.enum(['refuse', 'forward']).default('refuse'),
  /** Score from which a text is suspicious, by the role that speaks it; 0.5 where nothing is given. */
  thresholds: z.partialRecord(z.enum(['user', 'system', 'assistant', 'tool']), share).default({}),
  behaviour: z
    .strictObject({
      mode: z.enum(['off', 'watch', 'enforce']).default('watch'),
      /** Requests of this deployment before any is judged. */
      warmAfter: z.number().int().min(50).max(1_000_000).default(300),
      /** And minutes from the first to the last of them. */
      warmAfterMinutes: z.number().int().min(0).max(100_000).default(60),
      watchAbove: share.default(0.5),
      flagAbove: share.default(0.7),
      watchedPerMinute: z.number().int().min(1).default(20),
    })
    .prefault({}),
  /** Roles of callers whose system messages are taken for the operator's own. */
  operatorRoles: z.array(z.enum(['user', 'viewer', 'operator', 'admin'])).default(['operator', 'admin']),
  /** How long who tried to have code run is shut out; 0 for not at all. */
  quarantine: z
    .strictObject({
      minutes: z.number().int().min(0).max(10_080).default(15),
      keyAttempts: z.number().int().min(1).default(3),
      /** Score from which an attempt counts against a key. */
      sureScore: share.default(0.8),
    })
    .prefault({}),
});

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
  providers: z.array(provider).default([]),
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
  models: z
    .strictObject({
      /** Folder of Ollama's store; OLLAMA_MODELS sets it too. */
      store: text.optional(),
      /** Ollama's address, to ask what it has loaded. */
      api: text.optional(),
      /** Seconds between two looks at manifests and at the server. */
      every: z.number().int().min(1).max(86_400).default(30),
      /** Hours between two readings of every byte. */
      full: z.number().min(0.01).max(8_760).default(24),
      onMismatch: z.enum(['alert', 'quarantine']).default('alert'),
      /** Where models may come from: HOST or HOST/NAMESPACE. */
      sources: z.array(z.string().min(1)).optional(),
      /** The providers that serve from this store; default: those of Ollama's dialect. */
      providers: z.array(z.string()).optional(),
    })
    .optional(),
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
  screening: screening.prefault({}),
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
  const names = new Set<string>();
  for (const [index, { name, url, proxy }] of providers.entries()) {
    const wrong = urlIssue(url) ?? (/[?#]/.test(url) ? 'issue.url.extra' : undefined);
    if (wrong !== undefined) refuse(`providers.${index}.url`, wrong);
    const wrongProxy = ['auto', 'environment', 'none'].includes(proxy) ? undefined : proxyIssue(proxy);
    if (wrongProxy !== undefined) refuse(`providers.${index}.proxy`, wrongProxy);
    if (names.has(name)) refuse(`providers.${index}.name`, 'issue.provider.twice', { name });
    names.add(name);
  }
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
  const wrongApi = models?.api === undefined ? undefined : urlIssue(models.api);
  if (wrongApi !== undefined) refuse('models.api', wrongApi);
  for (const [index, name] of (models?.providers ?? []).entries())
    if (!names.has(name)) refuse(`models.providers.${index}`, 'models.provider.unknown', { name });
  for (const [index, source] of (models?.sources ?? []).entries())
    if (!/^[^\s/]+(\/[^\s/]+)?$/.test(source))
      refuse(`models.sources.${index}`, 'models.source.invalid', { given: source });
  if (store.url !== undefined && !/^postgres(ql)?:\/\/./.test(store.url)) refuse('store.url', 'issue.postgres');
}

/** A proxy's address may hold the name and password that it asks for. */
function proxyIssue(text: string): TextKey | undefined {
  return ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? '') ? undefined : 'issue.proxy';
}

function urlIssue(text: string): TextKey | undefined {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'issue.url';
  return url.username === '' && url.password === '' ? undefined : 'issue.url.credentials';
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
