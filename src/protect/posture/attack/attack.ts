// Hostile requests mixed with ordinary ones against a chat API at a steady rate: what passes, and what others feel of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Attack, AttackLoad } from '../../../platform/documents/posture-attack.ts';
import { postureRules } from '../score/controls.ts';

const attacks = z.array(
  z.strictObject({
    id: z.string(),
    prompt: z.string().optional(),
    path: z.string().optional(),
    body: z.string().optional(),
    key: z.union([z.literal(false), z.string()]).optional(),
  }),
);
type Request = z.output<typeof attacks>[number];

/** Hostile and ordinary requests come from different people, where the machine has addresses enough to show it. */
export type Who = 'ordinary' | 'hostile';

export interface AttackParts {
  /** Answers with a status; rejects when nobody answers. */
  send: (url: string, headers: Record<string, string>, body: string, signal: AbortSignal, who: Who) => Promise<number>;
  now: () => number;
}

export interface AttackOptions {
  /** An origin, or the whole address of a chat endpoint. */
  url: string;
  model: string;
  key: string | undefined;
  /** The attackers' own key; without one they hold the ordinary users' key. */
  hostileKey: string | undefined;
  ratePerSecond: number;
  seconds: number;
  authorisation: string | null;
  signal: AbortSignal;
}

const timeoutMs = 15_000;
/** Ordinary requests alone come first, for this share of the time: what users feel is a comparison. */
const baselineShare = 0.25;
/** How much slower, and how many more failures, count as felt. */
const slower = 2;
const slowerMs = 250;
const moreFailures = 0.02;

const ordinaryId = 'ordinary';

interface Sent {
  id: string;
  status: number | undefined;
  tookMs: number;
}

export async function attack(parts: AttackParts, options: AttackOptions): Promise<Attack> {
  const known = attacks.parse(parse(readFileSync(join(postureRules, 'attacks.yaml'), 'utf8')));
  const time = new Date(parts.now()).toISOString();
  const ordinary: Request = { id: ordinaryId, prompt: 'What is a good name for a small bakery?' };
  const before = await load(parts, options, options.seconds * baselineShare, () => ordinary);
  let turn = 0;
  const mixed = await load(parts, options, options.seconds * (1 - baselineShare), (at) => {
    if (at % 2 === 0) return ordinary;
    turn += 1;
    return known[(turn - 1) % known.length] ?? ordinary;
  });
  const hostile = known.map(({ id }) => tally(id, mixed));
  const during = loadOf(mixed.filter((one) => one.id === ordinaryId));
  const felt = { before: loadOf(before), during };
  return {
    schema: 'rempart/attack@1',
    time,
    authorisation: options.authorisation,
    ratePerSecond: options.ratePerSecond,
    seconds: options.seconds,
    identities: options.hostileKey === undefined || options.hostileKey === options.key ? 'shared' : 'separate',
    hostile,
    ordinary: felt,
    verdict: verdictOf(hostile, felt),
  };
}

/** Starts a request at each beat, whether or not earlier ones were answered: an open load, as users are. */
async function load(
  parts: AttackParts,
  options: AttackOptions,
  seconds: number,
  choose: (at: number) => Request,
): Promise<Sent[]> {
  const total = Math.max(1, Math.round(options.ratePerSecond * seconds));
  const started = parts.now();
  const sent: Promise<Sent>[] = [];
  for (let at = 0; at < total && !options.signal.aborted; at += 1) {
    const wait = started + (at * 1_000) / options.ratePerSecond - parts.now();
    if (wait > 0) await pause(wait, undefined, { signal: options.signal }).catch(() => {});
    if (!options.signal.aborted) sent.push(sendOne(parts, options, choose(at)));
  }
  return Promise.all(sent);
}

async function sendOne(
  parts: AttackParts,
  options: AttackOptions,
  { id, prompt, path, body, key }: Request,
): Promise<Sent> {
  const address = new URL(options.url);
  if (path !== undefined) address.pathname = path;
  else if (address.pathname === '/') address.pathname = '/v1/chat/completions';
  const who: Who = id === ordinaryId ? 'ordinary' : 'hostile';
  const own = who === 'ordinary' ? options.key : (options.hostileKey ?? options.key);
  const used = key === undefined ? own : key === false ? undefined : key;
  const headers = {
    'content-type': 'application/json',
    ...(used === undefined ? {} : { authorization: `Bearer ${used}` }),
  };
  const text =
    body === undefined
      ? JSON.stringify({ model: options.model, messages: [{ role: 'user', content: prompt }] })
      : body.replace('{model}', options.model).replace('{deep}', `${'['.repeat(200)}${']'.repeat(200)}`);
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
  const from = parts.now();
  try {
    const status = await parts.send(address.href, headers, text, signal, who);
    return { id, status, tookMs: parts.now() - from };
  } catch {
    return { id, status: undefined, tookMs: parts.now() - from };
  }
}

function tally(id: string, sent: readonly Sent[]): Attack['hostile'][number] {
  const own = sent.filter((one) => one.id === id);
  const statuses = statusesOf(own);
  const in_ = (from: number, to: number) =>
    own.filter(({ status }) => status !== undefined && status >= from && status < to).length;
  return {
    id,
    sent: own.length,
    refused: in_(400, 500),
    passed: in_(200, 400),
    unanswered: own.length - in_(200, 500),
    statuses,
  };
}

function statusesOf(sent: readonly Sent[]): Record<string, number> {
  const statuses: Record<string, number> = {};
  for (const { status } of sent) if (status !== undefined) statuses[status] = (statuses[status] ?? 0) + 1;
  return statuses;
}

function loadOf(sent: readonly Sent[]): AttackLoad {
  const fine = sent.filter(({ status }) => status !== undefined && status < 400).map(({ tookMs }) => tookMs);
  const sorted = fine.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
  return {
    sent: sent.length,
    failed: sent.length - fine.length,
    p50: at(0.5),
    p95: at(0.95),
    statuses: statusesOf(sent),
  };
}

function verdictOf(hostile: Attack['hostile'], { before, during }: Attack['ordinary']): Attack['verdict'] {
  // Whoever turns everybody away has not held.
  if (before.failed === before.sent) return 'not-assessed';
  if (hostile.some(({ passed }) => passed > 0)) return 'passed';
  const failures = during.failed / Math.max(1, during.sent) - before.failed / before.sent;
  const slow = during.p95 !== null && before.p95 !== null && during.p95 > before.p95 * slower + slowerMs;
  return failures > moreFailures || slow ? 'degraded' : 'held';
}
