// What the gateway counts, with labels from the configuration and fixed lists only: nothing a caller or upstream can choose.
import { Counter, Histogram, type Registry } from 'prom-client';
import type { DegradedMode } from './ask.ts';

export interface GatewayMetrics {
  /** One request answered: its dialect, its outcome and the HTTP status sent. */
  request(dialect: string, outcome: string, seconds: number): void;
  firstByte(dialect: string, seconds: number): void;
  /** How long a provider took to begin its answer; heard by the prediction of failures. */
  answered(provider: string, seconds: number): void;
  /** What a request spends here before its first attempt at a provider and after its last. */
  overhead(dialect: string, seconds: number): void;
  /** A call that makes a server load a model: none has asked it for that model lately. */
  modelLoad(): void;
  /** One attempt at a provider. */
  attempt(provider: string, outcome: string): void;
  tokens(provider: string, kind: 'input' | 'output', count: number): void;
  failedAuth(reason: string): void;
  /** A rule against attacks round the prompt that found something. */
  wafMatch(rule: string, action: string): void;
  /** A request that the front of the server refused. */
  frontRefused(reason: string): void;
  /** A request over a limit: of a user, a source, …, or of everybody together. */
  rateLimited(scope: string): void;
  /** An address that would hand the model server over. */
  localAnswer(kind: 'cache' | 'static'): void;
  /** A request whose answer was not as usual. */
  degraded(mode: DegradedMode): void;
  routeRefused(dialect: string): void;
  /** Something suspicious in what was sent. */
  suspicious(category: string, role: string): void;
  /** Something found in an answer. */
  answer(category: string, action: string): void;
  /** A check that could not run. */
  unscreened(guard: 'prompt' | 'answer', action: 'refuse' | 'forward'): void;
}

export const noMetrics: GatewayMetrics = {
  request() {},
  firstByte() {},
  answered() {},
  overhead() {},
  modelLoad() {},
  attempt() {},
  tokens() {},
  failedAuth() {},
  wafMatch() {},
  frontRefused() {},
  rateLimited() {},
  localAnswer() {},
  degraded() {},
  routeRefused() {},
  suspicious() {},
  answer() {},
  unscreened() {},
};

/** Registers the gateway's metrics; call it once per registry. */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry];
  const requests = new Histogram({
    name: 'rempart_gateway_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer',
    labelNames: ['dialect', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
    registers,
  });
  const firstBytes = new Histogram({
    name: 'rempart_gateway_time_to_first_byte_seconds',
    help: 'From the first byte of a request to the first of its answer',
    labelNames: ['dialect'],
    buckets: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    registers,
  });
  const overheads = new Histogram({
    name: 'rempart_gateway_overhead_seconds',
    help: 'What a request spends here before its first attempt at a provider and after its last',
    labelNames: ['dialect'],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
    registers,
  });
  const loads = modelLoadAttempts(registry);
  const attempts = new Counter({
    name: 'rempart_gateway_upstream_attempts_total',
    help: 'Attempts at providers by what came of them',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const tokens = new Counter({
    name: 'rempart_gateway_tokens_total',
    help: 'Tokens as settled after each answer',
    labelNames: ['provider', 'kind'],
    registers,
  });
  const failed = new Counter({
    name: 'rempart_failed_auth_attempts_total',
    help: 'Requests whose key was missing or not accepted',
    labelNames: ['reason'],
    registers,
  });
  const limited = new Counter({
    name: 'rempart_rate_limit_exceeded_total',
    help: 'Requests refused because they were over a limit, by what the limit counts apart',
    labelNames: ['scope'],
    registers,
  });
  const routes = new Counter({
    name: 'rempart_dangerous_routes_total',
    help: 'Requests to addresses that would hand the model server over, all of them refused',
    labelNames: ['dialect'],
    registers,
  });
  const suspicious = new Counter({
    name: 'rempart_suspicious_prompts_total',
    help: 'Texts sent in which screening found something',
    labelNames: ['category', 'role'],
    registers,
  });
  const answers = new Counter({
    name: 'rempart_screened_answers_total',
    help: 'Answers in which screening found something, by what was done',
    labelNames: ['category', 'action'],
    registers,
  });
  const unscreened = new Counter({
    name: 'rempart_unscreened_total',
    help: 'Texts that could not be screened, by what was done',
    labelNames: ['guard', 'action'],
    registers,
  });
  const bypasses = new Counter({
    name: 'rempart_guard_bypasses_total',
    help: 'Texts that went on although a guard could not check them',
    labelNames: ['guard'],
    registers,
  });
  const local = new Counter({
    name: 'rempart_local_answers_total',
    help: 'Answers given without a provider, since none could answer: earlier ones from the cache, and plain words on what happens',
    labelNames: ['kind'],
    registers,
  });
  for (const kind of ['cache', 'static']) local.inc({ kind }, 0);
  const degraded = new Counter({
    name: 'rempart_degraded_responses_total',
    help: 'Requests whose answer said in x-rempart-degraded that it was not as usual, by what was not',
    labelNames: ['mode'],
    registers,
  });
  for (const mode of ['warning', 'rationed', 'deferred', 'cache', 'local', 'provider']) degraded.inc({ mode }, 0);
  const waf = new Counter({
    name: 'rempart_waf_matches_total',
    help: 'Requests in which a rule against attacks outside the prompt found something',
    labelNames: ['rule', 'action'],
    registers,
  });
  const fronted = new Counter({
    name: 'rempart_front_refusals_total',
    help: 'Requests and connections refused before anything acted on them',
    labelNames: ['reason'],
    registers,
  });
  // From nothing to one is an increase that Prometheus only sees where there was a nothing.
  for (const reason of failures) failed.inc({ reason }, 0);
  for (const scope of ['user', 'source', 'behaviour']) limited.inc({ scope }, 0);
  for (const guard of ['prompt', 'answer']) {
    unscreened.inc({ guard, action: 'refuse' }, 0);
    bypasses.inc({ guard }, 0);
  }
  for (const category of categories)
    for (const role of ['user', 'tool', 'assistant', 'system']) suspicious.inc({ category, role }, 0);
  return {
    wafMatch: (rule, action) => waf.inc({ rule, action }),
    frontRefused: (reason) => fronted.inc({ reason }),
    request: (dialect, outcome, seconds) => requests.observe({ dialect, outcome }, seconds),
    firstByte: (dialect, seconds) => firstBytes.observe({ dialect }, seconds),
    answered() {},
    overhead: (dialect, seconds) => overheads.observe({ dialect }, seconds),
    modelLoad: () => loads.inc({ result: 'requested' }),
    attempt: (provider, outcome) => attempts.inc({ provider, outcome }),
    tokens: (provider, kind, count) => tokens.inc({ provider, kind }, count),
    failedAuth: (reason) => failed.inc({ reason }),
    rateLimited: (scope) => limited.inc({ scope }),
    localAnswer: (kind) => local.inc({ kind }),
    degraded: (mode) => degraded.inc({ mode }),
    routeRefused: (dialect) => routes.inc({ dialect }),
    suspicious: (category, role) => suspicious.inc({ category, role }),
    answer: (category, action) => answers.inc({ category, action }),
    unscreened(guard, action) {
      unscreened.inc({ guard, action });
      if (action === 'forward') bypasses.inc({ guard });
    },
  };
}

const failures = ['missing', 'unknown', 'expired', 'revoked', 'login', 'locked-out'];
const categories = ['injection', 'jailbreak', 'code-execution', 'secret', 'personal-data', 'anomaly'];

/** The watch over the model store counts in it too, whichever part comes first. */
export function modelLoadAttempts(registry: Registry): Counter<'result'> {
  const name = 'rempart_model_load_attempts_total';
  const known = registry.getSingleMetric(name);
  if (known !== undefined) return known as Counter<'result'>;
  const loads = new Counter({
    name,
    help: 'Models that a server has loaded, or that a caller asked to use, by whether they were as trusted; without a watch over the models: requested',
    labelNames: ['result'],
    registers: [registry],
  });
  for (const result of ['verified', 'refused', 'requested']) loads.inc({ result }, 0);
  return loads;
}
