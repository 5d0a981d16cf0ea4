// The points of the checklist that the instance can check: it asks its services, its gateway, its backups and its scanner.
import { randomUUID } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Deployment } from '../platform/documents/deployment.ts';
import type { Incident } from '../platform/documents/incident.ts';
import type { Ask } from '../protect/gateway/ask.ts';
import { scanFiles } from '../protect/posture/files/scan-files.ts';
import { defaultMetricRules, isNamed } from '../respond/detectors/metric-rules.ts';
import { readMetrics } from '../respond/detectors/prometheus-text.ts';
import type { Incidents } from '../respond/incidents/incidents.ts';
import type { Check, Checked, Checks } from '../respond/review/checklist.ts';
import { createBackups } from '../respond/rollback/backups.ts';
import { statesOf } from '../respond/rollback/named-state.ts';

export interface AfterChecksParts {
  config: Config;
  /** The data directory. */
  data: string;
  deployment: Deployment | undefined;
  incidents: Pick<Incidents, 'list'>;
  now: () => number;
  /** The gateway of this instance; a command has none. */
  ask?: Ask;
}

const person = (why: string): Checked => ({ state: 'person', evidence: { why } });

export function instanceChecks(parts: AfterChecksParts): Checks {
  const { deployment, ask } = parts;
  return {
    services: servicesUp(deployment?.services ?? []),
    metrics: metricsCalm(deployment?.metrics ?? []),
    logs: nothingDetected(parts),
    posture: scanned(parts),
    states: backedUp(parts),
    ...(ask === undefined ? {} : { functional: answered(ask, parts.config.chatbot.model) }),
  };
}

/** Up once is not stable: three looks, two seconds apart. */
const looks = { times: 3, everyMs: 2_000 };

function servicesUp(services: Deployment['services']): Check {
  const asked = services.flatMap(({ name, health }) => (health === undefined ? [] : [{ name, url: health.url }]));
  return async (_incident, signal) => {
    if (asked.length === 0) return person('no-health-url');
    const down = new Set<string>();
    for (let look = 0; look < looks.times; look++) {
      if (look > 0) await pause(looks.everyMs, undefined, { signal });
      const seen = await Promise.all(asked.map(async ({ name, url }) => ({ name, isUp: await isWell(url, signal) })));
      for (const { name, isUp } of seen) if (!isUp) down.add(name);
    }
    const without = services.filter(({ health }) => health === undefined).map(({ name }) => name);
    const evidence = { asked: asked.length, looks: looks.times, down: [...down], withoutHealth: without };
    if (down.size > 0) return { state: 'not-ok', evidence };
    return { state: without.length === 0 ? 'ok' : 'person', evidence };
  };
}

async function isWell(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
      redirect: 'manual',
    });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

const apartMs = 5_000;

/** The series that are watched grow more slowly than the limit from which they are told of. */
function metricsCalm(urls: readonly string[]): Check {
  return async (_incident, signal) => {
    if (urls.length === 0) return person('no-metrics-url');
    const scrape = async (): Promise<Map<string, number>[]> =>
      Promise.all(
        urls.map(async (url) => {
          const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) });
          return sums((await answer.text()).slice(0, 4_194_304));
        }),
      );
    let before: Map<string, number>[];
    let after: Map<string, number>[];
    try {
      before = await scrape();
      await pause(apartMs, undefined, { signal });
      after = await scrape();
    } catch {
      signal.throwIfAborted();
      return { state: 'not-ok', evidence: { why: 'no-answer' } };
    }
    const perMinute = 60_000 / apartMs;
    const over = defaultMetricRules.filter(({ id, limit }) => {
      const grown = after.map((one, index) => (one.get(id) ?? 0) - (before[index]?.get(id) ?? 0));
      return grown.some((by) => by * perMinute >= limit);
    });
    const evidence = { sources: urls.length, overLimit: over.map(({ id }) => id) };
    return { state: over.length === 0 ? 'ok' : 'not-ok', evidence };
  };
}

/** By rule, the sum of the series that it watches. */
function sums(text: string): Map<string, number> {
  const { samples } = readMetrics(text);
  const total = ({ names }: (typeof defaultMetricRules)[number]) =>
    samples.filter(({ name }) => isNamed(name, names)).reduce((sum, { value }) => sum + value, 0);
  return new Map(defaultMetricRules.map((rule) => [rule.id, total(rule)]));
}

/** Detectors read the logs, the journal and the containers: nothing of theirs since the service is back. */
function nothingDetected({ incidents }: AfterChecksParts): Check {
  return async (incident) => {
    const since = incident.restoredAt ?? incident.containedAt;
    if (since === null) return { state: 'not-ok', evidence: { why: 'not-contained' } };
    const after = (one: Incident) => one.signals.filter(({ time }) => time > since).length;
    const seen = (await incidents.list({ open: true })).filter((one) => one.id !== incident.id && after(one) > 0);
    const again = incident.timeline.filter(({ kind, time }) => kind === 'detected' && time > since).length;
    const evidence = { since, incidents: seen.map(({ id }) => id), again };
    return { state: seen.length === 0 && again === 0 ? 'ok' : 'not-ok', evidence };
  };
}

function scanned({ config, deployment }: AfterChecksParts): Check {
  return async () => {
    if (deployment?.compose === undefined || config.deployment === undefined) return person('no-compose-file');
    const { findings } = scanFiles([resolve(dirname(resolve(config.deployment)), deployment.compose)], 'en');
    const bad = findings.filter(({ severity }) => severity === 'critical' || severity === 'high');
    const rules = [...new Set(bad.map(({ rule }) => rule))];
    const evidence = { findings: findings.length, criticalOrHigh: bad.length, rules: rules.slice(0, 20) };
    return { state: bad.length === 0 ? 'ok' : 'not-ok', evidence };
  };
}

/** Each state has a backup that can be read, from after it was restored or from the last day. */
function backedUp({ config, data, deployment, now }: AfterChecksParts): Check {
  return async (incident) => {
    if (deployment === undefined || deployment.states.length === 0) return person('no-states');
    const folder = dirname(resolve(config.deployment ?? 'deployment.yaml'));
    const states = statesOf(deployment, folder, resolve(data));
    const backups = createBackups({ states, data: resolve(data), now });
    const newest = Math.min(now() - 86_400_000, Date.parse(incident.restoredAt ?? incident.detectedAt));
    const lacking: string[] = [];
    for (const state of states) {
      const choice = await backups.choose(state);
      if (choice.kind === 'none' || Date.parse(choice.manifest.takenAt) < newest) lacking.push(state.name);
    }
    const evidence = { states: states.length, withoutBackup: lacking };
    return { state: lacking.length === 0 ? 'ok' : 'not-ok', evidence };
  };
}

/** A real question through the gateway, all its guards on. */
function answered(ask: Ask, model: string): Check {
  return async (_incident, signal) => {
    const outcome = await ask({
      caller: { subject: 'rempart-checklist', role: 'admin', credential: 'checklist', sourceIp: '127.0.0.1' },
      model,
      messages: [{ role: 'user', content: 'Please answer with one short sentence.' }],
      lang: 'en',
      requestId: `req_${randomUUID()}`,
      signal,
    });
    if (outcome.kind === 'aborted') return person('aborted');
    if (outcome.kind === 'unavailable') return { state: 'not-ok', evidence: { code: outcome.error.code } };
    const { text, degraded } = outcome;
    const isOrdinary = text.trim() !== '' && degraded.every((mode) => mode === 'warning');
    return { state: isOrdinary ? 'ok' : 'not-ok', evidence: { characters: text.length, degraded: [...degraded] } };
  };
}
