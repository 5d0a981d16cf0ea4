// Which signals of protect are an incident, at once or only when they come often: a single weak one never is.
import type { Signal, SignalKind } from '../../platform/signals.ts';
import type { Detection } from './detector.ts';

type Severity = Detection['severity'];

export interface SignalRule {
  type: string;
  /** What it happened to, by the facts of the signal. */
  subject(facts: Signal['facts']): string;
  severity?: Severity;
  /** Only signals to which it applies; none: all. */
  when?(signal: Signal): boolean;
  /** So many within so many seconds; none: at once. */
  often?: { count: number; withinSeconds: number; by?(facts: Signal['facts']): string };
  /** At once only if the recovery named here did not come within so many seconds. */
  lasting?: { seconds: number; endedBy: SignalKind };
}

const text = (facts: Signal['facts'], name: string, otherwise: string) => String(facts[name] ?? otherwise);
const number = (facts: Signal['facts'], name: string) => Number(facts[name] ?? 0);
const provider = (facts: Signal['facts']) => text(facts, 'provider', 'provider');
const caller = (facts: Signal['facts']) => text(facts, 'credential', 'gateway');
const gateway = () => 'gateway';
const grave = ({ severity }: Signal) => severity === 'high' || severity === 'critical';

/** Pressure that no ordinary burst of work brings about. */
const isDire = ({ facts }: Signal) =>
  number(facts, 'memoryPressure') >= 0.5 || number(facts, 'eventLoopDelayMs') >= 500;
/** A client with an old key goes on and on, and nobody guesses anything. */
const guessing = ['unknown', 'login'];
/** From here on a verdict of screening leaves no doubt. */
const sureScore = 0.8;
/** What the model itself or an operator said is nobody's attempt. Stopped or not is no matter: one that passed is worse. */
const isAttempt = ({ facts }: Signal) => facts['role'] !== 'assistant' && facts['role'] !== 'system';
const isSure = (signal: Signal) => isAttempt(signal) && number(signal.facts, 'score') >= sureScore;

/** The first rule that fits of each kind; several kinds tell the same thing more weakly, and then it is left to the stronger. */
export const signalRules: Readonly<Partial<Record<SignalKind, readonly SignalRule[]>>> = {
  'provider-key-compromised': [{ type: 'provider-key-compromised', subject: provider, severity: 'critical' }],
  // The gateway has waited for retries already; what they healed comes as a low signal.
  'provider-unavailable': [{ type: 'provider-unavailable', subject: provider, when: grave }],
  'network-cut': [{ type: 'network-cut', subject: provider, when: grave }],
  'database-down': [{ type: 'database-down', subject: () => 'store' }],
  'quota-exhausted': [{ type: 'quota-exhausted', subject: provider, when: grave }],
  'rate-limited': [
    {
      type: 'quota-exhausted',
      subject: provider,
      severity: 'medium',
      when: ({ facts }) => facts['healedByRetry'] !== true,
      often: { count: 6, withinSeconds: 600, by: provider },
    },
  ],
  'host-overload': [
    { type: 'host-overload', subject: () => 'host', when: isDire },
    { type: 'host-overload', subject: () => 'host', lasting: { seconds: 60, endedBy: 'host-recovered' } },
  ],
  'brute-force': [{ type: 'unauthorised-access', subject: (facts) => text(facts, 'source', 'gateway') }],
  'failed-auth': [
    {
      type: 'unauthorised-access',
      subject: gateway,
      when: ({ facts }) => number(facts, 'count') >= 25 && guessing.includes(text(facts, 'reason', '')),
    },
  ],
  'hostile-request': [
    {
      type: 'suspicious-patterns',
      subject: gateway,
      severity: 'medium',
      // One scan of the internet's background matches one rule or two.
      when: ({ facts }) => facts['category'] !== 'scanner',
      often: { count: 12, withinSeconds: 600 },
    },
  ],
  'code-execution-attempt': [
    { type: 'prompt-injection', subject: caller, severity: 'critical', when: isSure },
    {
      type: 'prompt-injection',
      subject: caller,
      severity: 'high',
      when: isAttempt,
      often: { count: 3, withinSeconds: 900, by: caller },
    },
  ],
  'prompt-attack': [
    { type: 'suspicious-patterns', subject: gateway, severity: 'medium', often: { count: 10, withinSeconds: 600 } },
  ],
  'answer-blocked': [
    { type: 'suspicious-patterns', subject: gateway, severity: 'medium', often: { count: 5, withinSeconds: 600 } },
  ],
  'behaviour-anomaly': [
    {
      type: 'suspicious-patterns',
      subject: caller,
      severity: 'medium',
      often: { count: 12, withinSeconds: 600, by: caller },
    },
  ],
  'screening-failed': [
    { type: 'suspicious-patterns', subject: () => 'screening', often: { count: 3, withinSeconds: 300 } },
  ],
  'dangerous-route': [
    {
      type: 'unauthorised-access',
      subject: caller,
      severity: 'medium',
      often: { count: 5, withinSeconds: 600, by: caller },
    },
  ],
  'model-integrity': [
    { type: 'llm-poisoning', subject: (facts) => text(facts, 'model', 'models'), severity: 'critical', when: grave },
    { type: 'configuration-drift', subject: (facts) => text(facts, 'model', 'models'), when: isMedium },
  ],
  'configuration-drift': [{ type: 'configuration-drift', subject: (facts) => text(facts, 'area', 'baseline') }],
  'network-crossing': [
    { type: 'unauthorised-access', subject: crossing, when: ({ facts }) => facts['kind'] !== 'cross-network' },
    { type: 'unauthorised-access', subject: crossing, often: { count: 3, withinSeconds: 600, by: crossing } },
  ],
  // One that dies is replaced and nobody notices; those that die again and again are held up between two lives.
  'worker-lost': [
    {
      type: 'memory-exhaustion',
      subject: gateway,
      when: (signal) => grave(signal) && signal.facts['cause'] === 'memory',
    },
    { type: 'performance-anomaly', subject: gateway, severity: 'high', when: grave },
  ],
  'alert-threshold': [
    {
      type: 'unauthorised-access',
      subject: gateway,
      when: ({ facts }) => facts['rule'] === 'failed-auth',
      often: { count: 3, withinSeconds: 600 },
    },
  ],
};

function crossing(facts: Signal['facts']): string {
  return `${text(facts, 'from', 'unknown')}-to-${text(facts, 'to', 'unknown')}:${text(facts, 'port', '0')}`;
}

function isMedium({ severity }: Signal): boolean {
  return severity === 'medium';
}
