// The watch of a running instance: differences become signals and log lines, requests are admitted, loads are counted.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Log } from '../../../platform/base/log.ts';
import type { Journal } from '../../../platform/journal/journal.ts';
import { detectionFinding } from '../../../platform/journal/ocsf.ts';
import type { Signals } from '../../../platform/signals.ts';
import { modelLoadAttempts } from '../../gateway/metrics.ts';
import { type Finding, findingKey, severityOf } from './finding.ts';
import { createOllamaApi, type Fetch } from './ollama-api.ts';
import { quarantineNew } from './quarantine-new.ts';
import { recordOperation } from './record.ts';
import { listFiles } from './trusted-list.ts';
import type { Verification } from './verify-store.ts';
import { type Look, type ModelAdmission, watchModels } from './watch-models.ts';

export interface ModelServiceParts {
  data: string;
  signals: Signals;
  journal: Pick<Journal, 'append'>;
  log: Log;
  registry: Registry;
  now: () => number;
  fetch: Fetch;
}

export interface ModelServiceSettings {
  /** Folder of the store. */
  folder: string;
  api?: string | undefined;
  everyMs: number;
  fullEveryMs: number;
  onMismatch: 'alert' | 'quarantine';
  /** Names of the providers that serve from this store. */
  providers: readonly string[];
}

export interface ModelService {
  concerns(provider: string): boolean;
  admit(model: string): Promise<ModelAdmission>;
  isVerified(model: string): boolean;
  /** What the dashboard shows: how often was looked, when last, and what differs now. */
  checks(): { count: number; lastAt: number | null; findings: number };
  close(): Promise<void>;
}

export function startModelService(parts: ModelServiceParts, settings: ModelServiceSettings): ModelService {
  const { signals, log, now, data } = parts;
  const metrics = createMetrics(parts.registry);
  const checks = { count: 0, lastAt: null as number | null, findings: 0 };

  function onLook({ all, fresh, gone, verification }: Look): void {
    checks.count++;
    checks.lastAt = now();
    checks.findings = all.length;
    metrics.look(all.length);
    for (const finding of fresh) announce(finding);
    // For each change of what is found, and the first time: a look every half minute is no news.
    if (checks.count === 1 || fresh.length > 0 || gone.length > 0) noteCheck(all);
    for (const { what, model } of gone) log.info({ what, model }, 'a difference in the model store is gone');
    if (settings.onMismatch === 'quarantine' && fresh.length > 0)
      isolate(fresh, verification).catch((err: unknown) => log.error({ err }, 'a quarantine could not be recorded'));
  }

  function noteCheck(all: readonly Finding[]): void {
    const findings = all.map(({ what, model }) => `${what} ${model ?? ''}`.trim()).slice(0, 1_000);
    const record = { operation: 'models verify', by: 'rempart', ok: all.length === 0, facts: { findings } } as const;
    recordOperation(parts.journal, record, now()).catch((err: unknown) =>
      log.error({ err }, 'a check of the model store could not be recorded'),
    );
  }

  /** Names and kinds only: a path says where things lie. */
  function announce(finding: Finding): void {
    const { what, model, layer } = finding;
    const severity = severityOf(finding);
    const facts = { what, ...(model === null ? {} : { model }), ...(layer === undefined ? {} : { layer }) };
    signals.emit({ kind: 'model-integrity', severity, time: now(), facts });
    const uid = `model-integrity ${findingKey(finding)}`.slice(0, 500);
    parts.journal
      .append(
        detectionFinding({
          time: now(),
          activity: 'create',
          uid,
          title: what,
          severity,
          analytic: 'models watch',
          unmapped: { posture: facts },
        }),
      )
      .catch((err: unknown) => log.error({ err }, 'a difference in the model store could not be recorded'));
  }

  async function isolate(fresh: readonly Finding[], verification: Verification): Promise<void> {
    for (const end of await quarantineNew(verification, fresh, { now: now(), by: 'rempart' })) {
      const ok = end.kind === 'quarantined';
      if (!ok) log.error({ model: end.model, cause: end.cause }, 'a model could not be moved to quarantine');
      const facts = { model: end.model, automatic: true };
      await recordOperation(parts.journal, { operation: 'models quarantine', by: 'rempart', ok, facts }, now());
    }
  }

  const watch = watchModels(
    {
      folder: settings.folder,
      files: listFiles(data),
      api: settings.api === undefined ? undefined : createOllamaApi(settings.api, parts.fetch),
      now,
      onLook,
      onLoad: metrics.load,
      onApi: (reachable) => log.info({ reachable }, 'the model server was asked what it has loaded'),
      onError: (err) => log.error({ err }, 'the model store could not be verified'),
    },
    settings,
  );
  return {
    concerns: (provider) => settings.providers.includes(provider),
    admit: watch.admit,
    isVerified: watch.isVerified,
    checks: () => ({ ...checks }),
    close: watch.close,
  };
}

function createMetrics(registry: Registry) {
  const registers = [registry];
  const loads = modelLoadAttempts(registry);
  const looks = new Counter({
    name: 'rempart_model_integrity_checks_total',
    help: 'Verifications of the model store by what came of them',
    labelNames: ['result'],
    registers,
  });
  const differences = new Gauge({
    name: 'rempart_model_integrity_findings',
    help: 'Differences from the trusted list at the last look',
    registers,
  });
  return {
    load: (result: 'verified' | 'refused') => loads.inc({ result }),
    look(findings: number): void {
      looks.inc({ result: findings === 0 ? 'ok' : 'findings' });
      differences.set(findings);
    },
  };
}
