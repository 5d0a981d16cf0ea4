// A dry probe of a target: it is started with the stand-in, asked once, and each promise of its profile is tried; nothing is broken.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MethodId, ScenarioId } from '../../platform/documents/simulation.ts';
import { type Finding, type Probed, probed } from '../../platform/documents/target-check.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import { startKeeper } from '../keeper/keeper-client.ts';
import { judgeAsk } from '../scoring/method-run.ts';
import { missingSteps } from '../scoring/procedure.ts';
import { randomFrom } from '../standin/random.ts';
import { createTargetClient, type Reply } from '../targets/client.ts';
import { parseJsonObject } from '../targets/json-text.ts';
import { atPointer, type Profile, profilePath } from '../targets/profile.ts';
import type { EvidenceOf, Fact } from './evidence.ts';
import { methodPlans } from './methods.ts';
import { promisesOf } from './run-simulation.ts';
import { type Stage, setStage } from './stage.ts';
import { createUser } from './users.ts';

/** As the document, with the reasons still as keys. */
export interface TargetCheck {
  schema: 'rempart/target-check@1';
  target: string;
  findings: Finding[];
  methods: { scenario: ScenarioId; method: MethodId; why: TextKey | 'report.target.no-upstream' | null }[];
  reachable: boolean;
}

export interface CheckParts {
  profile: Profile;
  undoDir: string;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
}

export async function checkTarget({ profile, undoDir, env, signal }: CheckParts): Promise<TargetCheck> {
  const origin = Number(process.hrtime.bigint()) / 1e6;
  const now = () => Number(process.hrtime.bigint()) / 1e6 - origin;
  const path = env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  const calls: EvidenceOf<'upstream'>[] = [];
  const onFact = (fact: Fact) => {
    if (fact.kind === 'upstream') calls.push({ id: `u${calls.length}`, ...fact });
  };
  const keeper = await startKeeper({ undoDir, origin, path, onFact });
  const client = createTargetClient(now);
  const work = mkdtempSync(join(tmpdir(), 'rempart-check-'));
  const stop = () => void keeper.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const random = randomFrom(1);
    const began = now();
    const stage = await setStage({ profile, keeper, client, random, work, host: '127.0.0.1', path, env, signal });
    const start = startFinding(profile, stage, now() - began);
    if (!stage.ready) return conclude(profile, [start], false, true);
    const user = createUser('regular', 'user', { profile, places: stage.places, client, random, record: () => {} });
    const asked = { id: 'a', ...(await user.ask('baseline')) };
    await sleep(50); // the proxy's word on the call comes over a pipe
    const judged = judgeAsk(asked, calls);
    const findings = [start, askFinding(judged, profile), upstreamFinding(judged)];
    const send = (request: Parameters<typeof client.send>[0]) =>
      client.send(
        request,
        { ...stage.places, conversation: user.conversation() },
        { timeoutMs: 8000, headers: user.headers },
      );
    findings.push(...(await tryPromises(profile, asked.marker, send)), ...unprobed(profile));
    const { logs } = await keeper.call('logs', {});
    findings.push(logsFinding(profile, logs), procedureFinding(profile), databaseFinding(profile, stage));
    return conclude(profile, findings, asked.status !== null, judged.calls.length > 0);
  } finally {
    signal.removeEventListener('abort', stop);
    await client.close();
    await keeper.close();
    rmSync(work, { recursive: true, force: true });
  }
}

function conclude(profile: Profile, findings: Finding[], reachable: boolean, throughProxy: boolean): TargetCheck {
  return {
    schema: 'rempart/target-check@1',
    target: profile.name,
    findings: [...findings].sort((a, b) => probed.indexOf(a.what) - probed.indexOf(b.what)),
    methods: methodPlans.map((plan) => {
      const unseen = !throughProxy && plan.scenario !== 'overload' && plan.scenario !== 'database-down';
      const why = plan.impossible(profile, { load: true }) ?? (unseen ? 'report.target.no-upstream' : null);
      return { scenario: plan.scenario, method: plan.method, why };
    }),
    reachable,
  };
}

function startFinding({ start }: Profile, { ready }: Stage, ms: number): Finding {
  if (start === undefined) return { what: 'start', state: 'missing', detail: '' };
  return { what: 'start', state: ready ? 'works' : 'fails', detail: `${Math.round(ms)} ms` };
}

function askFinding({ ask, kind }: ReturnType<typeof judgeAsk>, profile: Profile): Finding {
  const took = `${ask.status ?? ask.error ?? '–'}, ${Math.round(ask.endT - ask.t)} ms`;
  const wrongPointer = ask.status !== null && ask.status < 300 && ask.answer === null;
  const detail = wrongPointer ? `${took}, ${profile.ask.stream ?? profile.ask.answer}: –` : took;
  // Whether it came from the model is the next finding.
  const answered = kind === 'served' || (kind === 'posed' && ask.ended) || kind === 'limited';
  return { what: 'ask', state: answered ? 'works' : 'fails', detail };
}

function upstreamFinding({ calls }: ReturnType<typeof judgeAsk>): Finding {
  return { what: 'upstream', state: calls.length > 0 ? 'works' : 'fails', detail: String(calls.length) };
}

type Send = (request: NonNullable<Profile['settings']>['get']) => Promise<Reply>;

async function tryPromises(profile: Profile, marker: string, send: Send): Promise<Finding[]> {
  const { history, health, settings, login, incidents } = profile;
  const missing = (what: Probed): Finding => ({ what, state: 'missing', detail: '' });
  const attempt = async (
    what: Probed,
    request: Parameters<Send>[0] | undefined,
    good: (reply: Reply) => boolean = () => true,
  ): Promise<Finding> => {
    if (request === undefined) return missing(what);
    const reply = await send(request);
    const fine = reply.status !== null && reply.status < 300 && good(reply);
    return { what, state: fine ? 'works' : 'fails', detail: String(reply.status ?? reply.error ?? '–') };
  };
  const remembers = ({ body }: Reply) => {
    const messages = atPointer(parseJsonObject(body), history?.messages ?? '');
    return Array.isArray(messages) && JSON.stringify(messages).includes(marker);
  };
  const token = ({ body }: Reply) =>
    login?.token === undefined || typeof atPointer(parseJsonObject(body), login.token) === 'string';
  return [
    await attempt('history', history?.request, remembers),
    await attempt('health', health === undefined ? undefined : { method: 'GET', ...health }),
    await attempt('settings', settings?.get),
    await attempt('login', login?.request, token),
    await attempt('incidents', incidents?.request),
  ];
}

function unprobed(profile: Profile): Finding[] {
  const promises = promisesOf(profile);
  const of = (what: Probed, promised: boolean | undefined): Finding => ({
    what,
    state: promised === true ? 'untried' : 'missing',
    detail: '',
  });
  return [of('alerts', promises['alerts']), of('spare-key', promises['spareKey']), of('admin', promises['admin'])];
}

function logsFinding({ logs, start }: Profile, read: readonly { text: string }[]): Finding {
  if (logs.length === 0 || start === undefined) return { what: 'logs', state: 'missing', detail: '' };
  const bytes = read.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return { what: 'logs', state: bytes > 0 ? 'works' : 'untried', detail: `${bytes} B` };
}

function procedureFinding(profile: Profile): Finding {
  const named = profile.procedures['key-compromised'];
  if (named === undefined) return { what: 'procedure', state: 'missing', detail: '' };
  const file = profilePath(profile, named);
  if (!existsSync(file)) return { what: 'procedure', state: 'fails', detail: 'ENOENT' };
  const missing = missingSteps(readFileSync(file, 'utf8'));
  return { what: 'procedure', state: missing.length === 0 ? 'works' : 'fails', detail: missing.join(', ') };
}

function databaseFinding(profile: Profile, { databasePath }: Stage): Finding {
  const { kind } = profile.database;
  if (kind === 'none') return { what: 'database', state: 'missing', detail: '' };
  if (kind !== 'sqlite') return { what: 'database', state: 'untried', detail: kind };
  return { what: 'database', state: existsSync(databasePath) ? 'works' : 'fails', detail: kind };
}
