// All detectors of an instance, as its configuration and its deployment profile ask for them.
import { join } from 'node:path';
import type { Log } from '../../platform/base/log.ts';
import type { ContainerEngine } from '../../platform/containers/container-engine.ts';
import type { Deployment } from '../../platform/documents/deployment.ts';
import type { Signals } from '../../platform/signals.ts';
import type { NamedState } from '../rollback/named-state.ts';
import { auditdDetector } from './auditd.ts';
import { containerEventsDetector } from './container-events.ts';
import type { Detector } from './detector.ts';
import type { DetectorsSettings } from './detectors-config.ts';
import type { EngineExecutions } from './engine-executions.ts';
import { journalDetectors } from './journal-detectors.ts';
import { logFilesDetector } from './log-files.ts';
import { createLogFollower } from './log-follower.ts';
import { logInjectionDetector } from './log-injection.ts';
import { loadLogRules } from './log-rules.ts';
import { defaultMetricRules } from './metric-rules.ts';
import { metricsScrapeDetector } from './metrics-scrape.ts';
import { type RuntimeParts, runtimeDetector } from './runtime.ts';
import { signalsDetector } from './signals.ts';
import { type StateFilesParts, stateFilesDetector } from './state-files.ts';
import { realTimers, type Timers } from './timers.ts';

export interface DetectorsParts {
  settings: DetectorsSettings;
  signals: Pick<Signals, 'subscribe'>;
  /** What is watched beside Rempart itself; none: itself alone. */
  deployment?: Deployment;
  /** What the profile's paths are relative to. */
  folder?: string;
  /** The data directory: places in files are kept in it, and its journal is followed. */
  data?: string;
  /** Only where it can be read. */
  auditFile?: string;
  /** Only where it can be asked. */
  engine?: { client: ContainerEngine; executions: EngineExecutions };
  states?: { list: readonly NamedState[] } & Pick<StateFilesParts, 'check' | 'isOwnerRunning' | 'isOurs'>;
  sample?: RuntimeParts['sample'];
  fetch?: typeof fetch;
  /** Told of rules that are refused. */
  log?: Log;
  timers?: Timers;
}

export function createDetectors(parts: DetectorsParts): Detector[] {
  const { settings, signals, timers = realTimers } = parts;
  return [
    ...(settings.signals.on ? [signalsDetector({ signals, timers }, settings.signals.often)] : []),
    ...(settings.runtime.on
      ? [runtimeDetector({ timers, ...(parts.sample === undefined ? {} : { sample: parts.sample }) }, settings.runtime)]
      : []),
    ...logDetectors(parts, timers),
    ...machineDetectors(parts, timers),
    ...whatReadsTheJournal(parts),
  ];
}

function logDetectors({ settings, deployment, folder = '.', data }: DetectorsParts, timers: Timers): Detector[] {
  const { logs } = settings;
  if (!logs.on || deployment === undefined || deployment.logs.length === 0) return [];
  const places = data === undefined ? {} : { placesFile: join(data, 'detectors', 'log-places.json') };
  const follower = createLogFollower({ patterns: deployment.logs, folder, timers, ...places });
  const rules = [...loadLogRules(), ...(logs.rules === undefined ? [] : loadLogRules(logs.rules))];
  return [logFilesDetector(follower, rules), ...(logs.injection ? [logInjectionDetector(follower)] : [])];
}

function machineDetectors(parts: DetectorsParts, timers: Timers): Detector[] {
  const { settings, deployment, data, auditFile, engine, states } = parts;
  const { audit, containers, metrics } = settings;
  const list: Detector[] = [];
  if (audit.on && auditFile !== undefined) {
    const places = data === undefined ? {} : { placesFile: join(data, 'detectors', 'audit-places.json') };
    list.push(
      auditdDetector(createLogFollower({ patterns: [auditFile], folder: '/', timers, ...places }), timers, audit),
    );
  }
  if (containers.on && engine !== undefined)
    list.push(
      containerEventsDetector({
        engine: engine.client,
        executions: engine.executions,
        services: deployment?.services ?? [],
        timers,
        everyMs: containers.everySeconds * 1_000,
      }),
    );
  if (metrics.on && deployment !== undefined && deployment.metrics.length > 0)
    list.push(
      metricsScrapeDetector({
        urls: deployment.metrics,
        rules: metrics.rules ?? defaultMetricRules,
        fetch: parts.fetch ?? fetch,
        timers,
        everyMs: metrics.everySeconds * 1_000,
        timeoutMs: metrics.timeoutSeconds * 1_000,
        maxBytes: metrics.maxMegabytes * 1_048_576,
      }),
    );
  if (settings.states.on && states !== undefined && states.list.length > 0) {
    const { list: watched, ...asked } = states;
    list.push(stateFilesDetector({ states: watched, ...asked, timers }));
  }
  return list;
}

function whatReadsTheJournal({ settings, data, log }: DetectorsParts): Detector[] {
  const { journal } = settings;
  if (data === undefined || !journal.on) return [];
  const refused = (file: string, what: string) => log?.error({ file, what }, 'a Sigma rule is refused');
  return journalDetectors({ data, chain: journal.chain, sigma: journal.sigma, refused });
}
