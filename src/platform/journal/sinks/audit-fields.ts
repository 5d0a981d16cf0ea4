// The ten fields by which audits are usually searched, read from the OCSF event of a journal record.
import type { JournalRecord } from '../record.ts';

export interface AuditFields {
  /** ISO 8601, UTC. */
  timestamp: string;
  event_type: string;
  user_id: string | null;
  source_ip: string | null;
  model_used: string | null;
  endpoint: string | null;
  /** HMAC-SHA256 of the prompt under this installation's key, in hex. */
  prompt_hash: string | null;
  /** Characters of the answer. */
  response_size: number | null;
  /** Milliseconds. */
  processing_time: number | null;
  success: boolean | null;
}

const classes: Readonly<Record<number, string>> = {
  6003: 'api',
  3002: 'authentication',
  2004: 'finding',
  2005: 'incident',
  6002: 'lifecycle',
  7001: 'remediation',
  7002: 'remediation',
  7003: 'remediation',
  7004: 'remediation',
};

/** The parts of an event that are looked at; any of them may be missing. */
interface Seen {
  class_uid?: number;
  time?: number;
  status_id?: number;
  duration?: number;
  actor?: { user?: { name?: string; uid?: string } };
  user?: { name?: string };
  src_endpoint?: { ip?: string };
  ai_model?: { name?: string };
  api?: { operation?: string };
  service?: { name?: string };
  unmapped?: {
    phase?: string;
    subject?: string;
    sourceIp?: string;
    operation?: string;
    model?: string;
    modelAsked?: string;
    responseSize?: number;
    prompt?: { hmacSha256?: string };
  };
}

export function auditFields({ event, time }: JournalRecord): AuditFields {
  const seen = event as unknown as Seen;
  const { unmapped = {} } = seen;
  const kind = classes[seen.class_uid ?? 0] ?? 'event';
  return {
    timestamp: new Date(seen.time ?? time).toISOString(),
    event_type: unmapped.phase === undefined ? kind : `${kind}.${unmapped.phase}`,
    user_id: seen.actor?.user?.name ?? seen.user?.name ?? unmapped.subject ?? null,
    source_ip: seen.src_endpoint?.ip ?? unmapped.sourceIp ?? null,
    model_used: seen.ai_model?.name ?? unmapped.modelAsked ?? unmapped.model ?? null,
    endpoint: seen.api?.operation ?? unmapped.operation ?? seen.service?.name ?? null,
    prompt_hash: unmapped.prompt?.hmacSha256 ?? null,
    response_size: unmapped.responseSize ?? null,
    processing_time: seen.duration ?? null,
    success: seen.status_id === 1 ? true : seen.status_id === 2 ? false : null,
  };
}
