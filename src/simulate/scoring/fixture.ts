// Evidence made by hand for tests of scoring: a run of one method, of which each test states only what matters to it.
import type { MethodId, ScenarioId } from '../../platform/documents/simulation.ts';
import type { Canary, Evidence, EvidenceOf, Fact, Phase } from '../scenarios/evidence.ts';

const startedAt = '2026-03-14T09:26:53.000Z';
export const injectedT = 10_000;
export const clearedT = 20_000;
export const testKey: Canary = {
  name: 'upstream-key',
  kind: 'key',
  value: 'sk-Zq8Lw2Vx9Tn4Rb7Yk1Mc6Hd3Jf5Gs0PaEuOiXyWvUt',
};

type AskFact = Extract<Fact, { kind: 'ask' }>;
type CallFact = Extract<Fact, { kind: 'upstream' }>;

let marks = 0;
export function freshMarker(): string {
  return `mk${String(++marks).padStart(8, '0')}`;
}

/** An ask with an ordinary answer, one second long. */
export function ask(phase: Phase, t: number, rest: Partial<AskFact> = {}): AskFact {
  return {
    kind: 'ask',
    t,
    endT: t + 1000,
    phase,
    user: 'regular',
    identity: 'user',
    conversation: 'c1',
    marker: freshMarker(),
    status: 200,
    headers: {},
    body: JSON.stringify({ reply: 'Un réseau de neurones est un empilement de fonctions.' }),
    answer: 'Un réseau de neurones est un empilement de fonctions.',
    ended: true,
    error: null,
    ...rest,
  };
}

/** An upstream call of a marker that was relayed and answered. */
export function call(marker: string | null, t: number, rest: Partial<CallFact> = {}): CallFact {
  return {
    kind: 'upstream',
    t,
    endT: t + 100,
    marker,
    key: 'primary',
    stream: false,
    fault: null,
    status: 200,
    outcome: 'passed',
    ...rest,
  };
}

/** An ask that the upstream served, with its call. */
export function served(phase: Phase, t: number, rest: Partial<AskFact> = {}): Fact[] {
  const one = ask(phase, t, rest);
  return [call(one.marker, Math.min(t + 100, one.endT)), one];
}

/** An ask under a fault that changed its calls. `gaps` are the pauses between further attempts. */
export function broken(
  t: number,
  rest: Partial<AskFact> = {},
  { gaps = [], status = 503, key = 'primary' }: { gaps?: number[]; status?: number; key?: CallFact['key'] } = {},
): Fact[] {
  const one = ask('fault', t, rest);
  let at = t + 10;
  const calls = [0, ...gaps].map((gap) => {
    at += gap;
    const made = call(one.marker, at, { fault: 'unavailable', status, outcome: 'faulted', key, endT: at + 10 });
    at += 10;
    return made;
  });
  return [...calls, one];
}

export const limitedBody = {
  reply: "L'assistant est momentanément indisponible. Votre message est conservé. Réessayez dans 5 minutes.",
};
/** An honest limited answer in the ordinary shape. */
export const limited: Partial<AskFact> = { body: JSON.stringify(limitedBody), answer: limitedBody.reply };
/** An honest error. */
export const honestError: Partial<AskFact> = {
  status: 503,
  headers: { 'retry-after': '30' },
  body: JSON.stringify({ error: 'Le service est indisponible. Réessayez dans 5 minutes.' }),
  answer: null,
};
export const bareError: Partial<AskFact> = {
  status: 500,
  body: JSON.stringify({ error: 'fetch failed' }),
  answer: null,
};
export const silence: Partial<AskFact> = { status: null, body: '', answer: null, error: 'timeout' };

export function health(phase: Phase, t: number, value: unknown, status: number | null = 200): Fact {
  return { kind: 'health', t, phase, status, body: JSON.stringify(value), error: null };
}

export interface Case {
  scenario?: ScenarioId;
  method?: MethodId;
  run?: number;
  canaries?: Canary[];
  /** What happened under the fault. */
  fault?: Fact[];
  /** null: no such fact. */
  injected?: Partial<Extract<Fact, { kind: 'fault' }>> | null;
  cleared?: Partial<Extract<Fact, { kind: 'fault' }>> | null;
  /** Default: served at once in each conversation. */
  recovery?: Fact[];
  /** Facts of any time beside. */
  beside?: Fact[];
  /** Where on the run's clock this method run begins. */
  at?: number;
}

/** The facts of one method run, in the order they would have been written. */
export function methodFacts(one: Case): Fact[] {
  const shift = one.at ?? 0;
  const mark = (action: 'injected' | 'cleared', t: number, rest: Case['injected']): Fact[] =>
    rest === null
      ? []
      : [{ kind: 'fault', t, action, name: 'x', at: startedAt, proof: 'seen', proved: true, ...(rest ?? {}) }];
  const inside: Fact[] = [
    ...served('baseline', 2000),
    ...served('baseline', 4000),
    ...mark('injected', injectedT, one.injected),
    ...(one.fault ?? broken(11_000, limited, { gaps: [500] })),
    ...mark('cleared', clearedT, one.cleared),
    ...(one.recovery ?? served('recovery', 20_500)),
    ...(one.beside ?? []),
  ];
  inside.sort((a, b) => a.t - b.t);
  return [
    {
      kind: 'method-begin',
      t: 0,
      scenario: one.scenario ?? 'api-maintenance',
      method: one.method ?? 'unavailable',
      run: one.run ?? 1,
      at: startedAt,
      canaries: one.canaries ?? [testKey],
    } satisfies Fact,
    ...inside,
    { kind: 'method-end', t: 30_000 } satisfies Fact,
  ].map((fact): Fact => {
    const moved = { ...fact, t: fact.t + shift };
    return 'endT' in moved ? { ...moved, endT: moved.endT + shift } : moved;
  });
}

/** A whole run's evidence around its method runs. */
export function evidenceOf(
  facts: readonly Fact[],
  begin: Partial<Omit<EvidenceOf<'run-begin'>, 'kind' | 'id' | 't'>> = {},
): Evidence[] {
  const all: Fact[] = [
    {
      kind: 'run-begin',
      t: 0,
      target: 'test bot',
      language: 'fr',
      lang: 'en',
      pace: 'quick',
      runs: 1,
      seed: 1,
      startedAt,
      responsible: null,
      authorisation: null,
      scenarios: [],
      rubric: { name: 'r', sha256: 'a'.repeat(64) },
      promises: {},
      ...begin,
    },
    ...facts,
    { kind: 'run-end', t: 99_000, finishedAt: '2026-03-14T09:28:32.000Z', restored: true, restoreProof: 'all back' },
  ];
  return all.map((fact, index) => ({ id: `e${String(index + 1).padStart(5, '0')}`, ...fact }) as Evidence);
}
