// The dashboard's six figures, counted in the journal and in what earlier scans and the monitor left in the data directory.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Posture, type SecurityDashboard, threatLevels } from '../../../platform/documents/posture.ts';
import { segmentPattern } from '../../../platform/journal/chain.ts';
import { linesOf } from '../../../platform/journal/lines.ts';
import { type JournalRecord, readRecord } from '../../../platform/journal/record.ts';
import type { HostHit } from '../exposure/host-findings.ts';
import { countCrossings } from '../monitor/crossing-log.ts';
import type { DashboardFacts } from '../scan.ts';
import type { Aspect } from './controls.ts';

const dayMs = 86_400_000;
const sessionMs = 15 * 60_000;

export interface DashboardCount {
  facts: DashboardFacts;
  looked: Aspect[];
  /** What the counting itself found wrong. */
  hits: HostHit[];
}

/** Reads only. `last_security_scan` is the one before this moment. */
export async function dashboardFacts(data: string, now: number): Promise<DashboardCount> {
  const counted = await countJournal(join(data, 'journal'), now);
  const crossings = countCrossings(data, now);
  const last = lastScan(data);
  const integrity = counted?.integrity ?? 'NOT_RUN';
  const hits: HostHit[] = [
    ...(counted?.broken === true ? [{ rule: 'host/journal-broken', setting: 'journal' }] : []),
    ...(integrity === 'FAILED' ? [{ rule: 'host/models-failed', setting: 'models' }] : []),
    ...(crossings !== null && crossings > 0
      ? [{ rule: 'host/crossings', setting: 'network', facts: { count: crossings } }]
      : []),
  ];
  return {
    facts: {
      active_sessions: counted?.subjects ?? null,
      failed_auth_24h: counted?.failedAuth ?? null,
      model_integrity_checks: integrity,
      network_anomalies: crossings,
      last_security_scan: last?.time ?? null,
    },
    looked: [
      ...(counted === undefined ? [] : ['journal' as const]),
      ...(integrity === 'NOT_RUN' ? [] : ['models' as const]),
      ...(crossings === null ? [] : ['monitor' as const]),
    ],
    hits,
  };
}

/** The document under the key `security_dashboard`; the level is the last scan's, or worse when a model failed since. */
export async function securityDashboard(data: string, now: number): Promise<{ security_dashboard: SecurityDashboard }> {
  const { facts } = await dashboardFacts(data, now);
  const level = lastScan(data)?.threatLevel ?? null;
  const worse = facts.model_integrity_checks === 'FAILED' ? 'RED' : level;
  return { security_dashboard: { current_threat_level: worse, ...facts } };
}

interface Counted {
  subjects: number;
  failedAuth: number;
  integrity: SecurityDashboard['model_integrity_checks'];
  broken: boolean;
}

async function countJournal(folder: string, now: number): Promise<Counted | undefined> {
  if (!existsSync(folder)) return undefined;
  const subjects = new Set<string>();
  let failedAuth = 0;
  let broken = false;
  let checked: { time: number; ok: boolean } | undefined;
  for (const file of recentSegments(folder, now)) {
    for await (const { bytes, complete } of linesOf(file)) {
      if (bytes.length === 0 || !complete) continue;
      const read = readRecord(bytes);
      if (read.kind === 'bad') {
        broken = true;
        continue;
      }
      const said = meaningOf(read.record);
      if (said.kind === 'integrity' && read.record.time >= (checked?.time ?? 0))
        checked = { time: read.record.time, ok: said.ok };
      if (read.record.time < now - dayMs) continue;
      if (said.kind === 'failed-auth') failedAuth += 1;
      if (said.kind === 'subject' && read.record.time >= now - sessionMs) subjects.add(said.name);
    }
  }
  const integrity = checked === undefined ? 'NOT_RUN' : checked.ok ? 'PASSED' : 'FAILED';
  return { subjects: subjects.size, failedAuth, integrity, broken };
}

/** Segments written to within a day, and the newest of each stream. */
function recentSegments(folder: string, now: number): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const segments = readdirSync(join(folder, name))
        .filter((file) => segmentPattern.test(file))
        .sort();
      return segments
        .map((file) => join(folder, name, file))
        .filter((file, at) => at === segments.length - 1 || statSync(file).mtimeMs >= now - dayMs);
    });
}

type Meaning =
  | { kind: 'failed-auth' }
  | { kind: 'subject'; name: string }
  | { kind: 'integrity'; ok: boolean }
  | { kind: 'other' };

const event = z.object({
  class_uid: z.number(),
  status_id: z.number().optional(),
  status_code: z.string().optional(),
  activity_id: z.number().optional(),
  api: z.object({ operation: z.string() }).optional(),
  actor: z.object({ user: z.object({ name: z.string() }) }).optional(),
  user: z.object({ name: z.string() }).optional(),
});

/** OCSF: Authentication (3002) that failed, or an API call refused for its key; API Activity (6003) by a known subject. */
function meaningOf(record: JournalRecord): Meaning {
  const read = event.safeParse(record.event);
  if (!read.success) return { kind: 'other' };
  const { class_uid, status_id, status_code, api, actor, user } = read.data;
  const failed = status_id === 2;
  if (class_uid === 3002)
    return failed
      ? { kind: 'failed-auth' }
      : user === undefined
        ? { kind: 'other' }
        : { kind: 'subject', name: user.name };
  if (class_uid !== 6003) return { kind: 'other' };
  if (api?.operation === 'models verify') return { kind: 'integrity', ok: !failed };
  // What somebody did on this machine's own command line is no session.
  if (/^(models|posture) /.test(api?.operation ?? '')) return { kind: 'other' };
  if (failed && /^ERR_KEY_(MISSING|INVALID)$/.test(status_code ?? '')) return { kind: 'failed-auth' };
  const name = actor?.user.name;
  return name === undefined || name === 'anonymous' ? { kind: 'other' } : { kind: 'subject', name };
}

const remembered = z.object({ time: z.string(), threatLevel: z.enum(threatLevels) });

function scanFile(data: string): string {
  return join(data, 'posture', 'last-scan.json');
}

function lastScan(data: string): z.output<typeof remembered> | undefined {
  try {
    return remembered.parse(JSON.parse(readFileSync(scanFile(data), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The newest scan of this machine, for the dashboard, the checklist and drift. */
export function rememberScan(data: string, document: Posture): void {
  mkdirSync(join(data, 'posture'), { recursive: true, mode: 0o700 });
  writeFileSync(scanFile(data), `${JSON.stringify(document)}\n`, { mode: 0o600 });
}
