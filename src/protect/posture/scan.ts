// One scan: files or this machine, put together into the posture document.
import type { RempartError } from '../../platform/base/errors.ts';
import {
  type Posture,
  type PostureFinding,
  postureSeverities,
  type SecurityDashboard,
} from '../../platform/documents/posture.ts';
import type { Say } from '../../platform/i18n/say.ts';
import type { ContainerFinding } from '../../platform/inspection/containers/lint.ts';
import type { HostScan } from './exposure/scan-host.ts';
import { scanFiles } from './files/scan-files.ts';
import { lineStarts, regionsOf, type SarifFinding } from './sarif.ts';
import { type Aspect, judgeControls, loadControls, scoreOf, threatLevelOf } from './score/controls.ts';

export interface ScanOptions {
  paths: readonly string[];
  lang: 'en' | 'fr';
  say: Say;
  now: () => number;
  /** Patterns of files in folders that are left out. */
  ignore?: readonly string[];
}

export interface Scan {
  document: Posture;
  sarif: SarifFinding[];
  /** Every patch of every file, as one diff. */
  patch: string;
  broken: RempartError[];
  /** How many files of the folders a pattern left out. */
  ignored: number;
}

/** This machine: everything but the dashboard's own facts, which the caller counts. */
export function scanMachine(options: ScanOptions, host: HostScan, dashboard: DashboardFacts): Scan {
  const { findings, looked, notAssessed } = host;
  const document = documentOf(options, { scope: 'host', files: [], findings, notAssessed, looked, dashboard });
  return { document, sarif: findings, patch: '', broken: [], ignored: 0 };
}

export function scanPaths(options: ScanOptions): Scan {
  const { files, findings, unread, ignored, broken, patch } = scanFiles(options.paths, options.lang, options.ignore);
  const looked = new Set<Aspect>();
  for (const { kind } of files) looked.add(kind);
  const starts = new Map(files.map(({ name, text }) => [name, lineStarts(text)]));
  const sarif = findings.map((finding) => documentFinding(finding, starts.get(finding.file)));
  return {
    document: documentOf(options, {
      scope: 'files',
      files: files.map(({ name }) => name),
      findings: sarif.map(({ edits: _, regions: __, ...finding }) => finding),
      notAssessed: [
        ...unread.map(({ what, why }) => ({ what, why: options.say(`posture.unread.${why}`) })),
        ...ignored.map((what) => ({ what, why: options.say('posture.unread.ignored') })),
      ],
      looked,
      dashboard: noDashboard,
    }),
    sarif,
    patch,
    broken,
    ignored: ignored.length,
  };
}

function documentFinding({ patch, references, ...rest }: ContainerFinding, starts?: readonly number[]): SarifFinding {
  return {
    ...rest,
    references: [...references],
    patch: patch?.diff ?? null,
    ...(patch === null ? {} : { edits: patch.edits }),
    ...(patch === null || starts === undefined ? {} : { regions: regionsOf(starts, patch.edits) }),
  };
}

/** What the dashboard needs to know beside the findings. */
export type DashboardFacts = Omit<SecurityDashboard, 'current_threat_level'>;

export const noDashboard: DashboardFacts = {
  active_sessions: null,
  failed_auth_24h: null,
  model_integrity_checks: 'NOT_RUN',
  network_anomalies: null,
  last_security_scan: null,
};

interface Found {
  scope: Posture['scope'];
  files: string[];
  findings: PostureFinding[];
  notAssessed: Posture['notAssessed'];
  looked: ReadonlySet<Aspect>;
  dashboard: DashboardFacts;
}

function documentOf({ lang, now }: ScanOptions, found: Found): Posture {
  const { findings, looked, dashboard } = found;
  const controls = judgeControls(loadControls(), findings, looked, lang);
  const score = scoreOf(controls);
  const { level, because } = threatLevelOf(
    {
      findings,
      percent: score.percent,
      integrity: dashboard.model_integrity_checks,
      anomalies: dashboard.network_anomalies,
      failedAuth: dashboard.failed_auth_24h,
    },
    lang,
  );
  const time = new Date(now()).toISOString();
  return {
    schema: 'rempart/posture@1',
    time,
    scope: found.scope,
    files: found.files,
    findings,
    counts: Object.fromEntries(
      postureSeverities.map((severity) => [severity, findings.filter((one) => one.severity === severity).length]),
    ) as Posture['counts'],
    notAssessed: found.notAssessed,
    controls,
    score,
    threatLevel: level,
    threatBecause: because,
    security_dashboard: { current_threat_level: level, ...dashboard, last_security_scan: time },
  };
}
