// How unusual a request is for this deployment: robust statistics of ten features, learned as requests come, each score explained by them.
import { createRecent } from '../gateway/recent-values.ts';
import { type Baseline, createBaseline } from './behaviour-baseline.ts';
import type { FeatureName } from './behaviour-features.ts';
import { lookAt, mostAlike, similarity } from './behaviour-text.ts';

export interface BehaviourRequest {
  subject: string;
  source: string;
  model: string;
  /** The last text of a user. */
  text: string;
  turns: number;
}

export interface Observed {
  /** 0..1; null while the baseline is cold. */
  score: number | null;
  cold: boolean;
  /** What made it unusual, the strongest first, as names and shares of 0..1. */
  because: readonly { feature: FeatureName; share: number }[];
}

export interface Behaviour {
  observe(request: BehaviourRequest): Observed;
  refused(subject: string): void;
  failedAuth(source: string): void;
  /** What is remembered of one subject; what was learned from all together stays, since it names nobody. */
  forget(subject: string): boolean;
  state(): { cold: boolean; learned: number; needed: number };
  /** What was learned, for a file. */
  save(): string;
}

export interface BehaviourParts {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Draws what is kept of the past: the same requests and seed give the same scores. */
  seed: number;
  /** What `save` returned once. What cannot be read begins cold. */
  saved?: string;
}

export interface BehaviourSettings {
  /** Requests before which nothing is judged. */
  warmAfter: number;
  /** And minutes from the first to the last of them: a busy moment is no ordinary day. */
  warmAfterMinutes: number;
}

const rateWindowMs = 60_000;
const memoryMs = 600_000;
const maxSubjects = 10_000;
const maxPrompts = 8;
/** Above this nothing is learned from: who attacks long enough must not become the rule. */
const learnBelow = 0.7;

interface Past {
  requests: number[];
  refusals: number[];
  prompts: (readonly number[])[];
}

export function createBehaviour({ now, seed, saved }: BehaviourParts, settings: BehaviourSettings): Behaviour {
  const baseline: Baseline = createBaseline(seed, saved);
  const isCold = () => baseline.learned() < settings.warmAfter || baseline.span() < settings.warmAfterMinutes * 60_000;
  const subjects = createRecent<Past>(maxSubjects);
  const failures = createRecent<number[]>(maxSubjects);

  function pastOf(subject: string): Past {
    let past = subjects.get(subject);
    if (past === undefined) {
      past = { requests: [], refusals: [], prompts: [] };
      subjects.set(subject, past);
    }
    return past;
  }

  /** In place: a list of a thousand built twice for each request is what a busy subject would wait for. */
  function remember(requests: number[], at: number): void {
    const kept = requests.findIndex((time) => isWithin(rateWindowMs, time, at));
    if (kept !== 0) requests.splice(0, kept === -1 ? requests.length : kept);
    if (requests.length >= 1_000) requests.shift();
    requests.push(at);
  }

  function failuresOf(source: string, at: number): number {
    const known = failures.get(source);
    if (known === undefined) return 0;
    let count = 0;
    for (const time of known) if (isWithin(memoryMs, time, at)) count++;
    return count;
  }

  function measure(request: BehaviourRequest, past: Past, at: number) {
    const { words, language, entropy } = lookAt(request.text);
    // One repetition is a retry; a series of them is a machine.
    let alike = 0;
    if (past.prompts.length >= 3)
      for (const other of past.prompts)
        if (mostAlike(words, other) > alike) alike = Math.max(alike, similarity(words, other));
    const rate = Math.log2(1 + past.requests.length);
    // In the order of `numberNames` and of `kindNames`.
    const numbers = [
      rate,
      Math.log2(1 + request.text.length),
      request.text.length < 20 ? 4 : entropy,
      Math.log2(1 + request.turns),
      Math.log2(1 + past.refusals.length),
      Math.log2(1 + failuresOf(request.source, at)),
      alike * rate,
    ];
    const kinds = [String(Math.floor(at / 3_600_000) % 24), request.model, language];
    return { numbers, kinds, words };
  }

  return {
    observe(request) {
      const at = now();
      const past = pastOf(request.subject);
      remember(past.requests, at);
      if (past.refusals.length > 0) past.refusals = past.refusals.filter((time) => isWithin(memoryMs, time, at));
      const { numbers, kinds, words } = measure(request, past, at);
      past.prompts.push(words);
      if (past.prompts.length > maxPrompts) past.prompts.shift();
      const cold = isCold();
      const shares = baseline.judge(numbers, kinds);
      const score = 1 - shares.reduce((rest, { share }) => rest * (1 - share), 1);
      if (cold || score < learnBelow) baseline.learn(numbers, kinds, at);
      if (cold) return { score: null, cold, because: [] };
      const because = shares.filter(({ share }) => share >= 0.05).sort((a, b) => b.share - a.share);
      return { score: Math.round(score * 1_000) / 1_000, cold, because };
    },
    refused(subject) {
      const past = pastOf(subject);
      past.refusals = [...past.refusals, now()].slice(-1_000);
    },
    failedAuth(source) {
      failures.set(source, [...(failures.get(source) ?? []), now()].slice(-1_000));
    },
    forget: (subject) => subjects.delete(subject),
    state: () => ({ cold: isCold(), learned: baseline.learned(), needed: settings.warmAfter }),
    save: baseline.save,
  };
}

/** What lies ahead is of before the clock was set back, and would stay for as long as it was. */
function isWithin(windowMs: number, time: number, at: number): boolean {
  return Math.abs(at - time) < windowMs;
}
