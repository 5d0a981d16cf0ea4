// The journal's view of a request: received before the first byte of the answer, outcome after it. OCSF 1.8.0 bodies, no text of a user.
import { createHmac } from 'node:crypto';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { detectionFinding, type Severity } from '../../platform/journal/ocsf.ts';
import type { Caller } from './ask.ts';
import type { Turn } from './dialects/dialect.ts';

export interface RecordedRequest {
  requestId: string;
  caller: Caller;
  /** Method and path of ours, e.g. "POST /v1/chat/completions"; "ask" inside the process. */
  operation: string;
  startedAt: number;
}

export interface ReceivedFacts {
  dialect: string;
  model?: string;
  stream?: boolean;
  turns?: readonly Turn[];
}

export interface OutcomeFacts {
  kind: 'answered' | 'failed' | 'cut' | 'aborted' | 'refused';
  status?: number;
  code?: string;
  provider?: string;
  modelAsked?: string;
  modelUsed?: string;
  attempts?: number;
  promptTokens?: number;
  completionTokens?: number;
  tokensEstimated?: boolean;
  firstByteMs?: number;
  degraded?: string;
}

export interface FindingFacts {
  category: string;
  role: string;
  action: string;
  score: number;
  rules: readonly string[];
  severity: Severity;
  prompt?: { hmacSha256: string; length: number };
}

export interface Recorder {
  /** Resolves once the record is durable; rejects with ERR_JOURNAL_UNWRITABLE. */
  received(request: RecordedRequest, facts: ReceivedFacts): Promise<unknown>;
  outcome(request: RecordedRequest, facts: OutcomeFacts): void;
  failedAuth(facts: { requestId: string; sourceIp: string; reason: string; credential?: string }): void;
  /** What screening found: never the text, only its HMAC and length. */
  finding(request: RecordedRequest, facts: FindingFacts): void;
  /** One record for the failed authentications since then that were too many to be journalled one by one. */
  suppressedAuth(facts: { count: number; since: number; sourceIp: string }): void;
}

export interface RecorderParts {
  now: () => number;
  journal: Journal;
  log: Log;
  /** Keys the HMAC that stands for a prompt: a bare hash of a short prompt could be guessed. */
  promptKey: Uint8Array;
}

export function createRecorder({ now, journal, log, promptKey }: RecorderParts): Recorder {
  function append(event: JsonObject): void {
    journal.append(event).catch((err: unknown) => log.error({ err }, 'an event could not be journalled'));
  }
  return {
    received: (request, { turns, ...facts }) =>
      journal.append({
        ...apiActivity(request, now()),
        status_id: 0,
        unmapped: { phase: 'received', ...facts, ...(turns === undefined ? {} : { prompt: fingerprint(turns) }) },
      }),
    outcome(request, facts) {
      const time = now();
      append({
        ...apiActivity(request, time),
        status_id: facts.kind === 'answered' ? 1 : 2,
        severity_id: facts.kind === 'answered' || facts.kind === 'aborted' ? 1 : 3,
        unmapped: { phase: 'outcome', ...facts, totalMs: time - request.startedAt },
      });
    },
    finding({ requestId, caller, operation }, { category, severity, rules, ...facts }) {
      append(
        detectionFinding({
          time: now(),
          activity: 'create',
          uid: `${requestId}/${category}`,
          title: `screening: ${category}`,
          types: [category],
          severity,
          correlation: requestId,
          status: 'success',
          ...(rules[0] === undefined ? {} : { analytic: rules[0] }),
          unmapped: {
            phase: 'finding',
            operation,
            subject: caller.subject,
            credential: caller.credential,
            sourceIp: caller.sourceIp,
            rules: [...rules],
            ...facts,
          },
        }),
      );
    },
    failedAuth({ requestId, sourceIp, reason, credential }) {
      append({
        ...base(3002, 1, 3, now(), requestId),
        status_id: 2,
        status_detail: reason,
        user: { name: 'unknown', ...(credential === undefined ? {} : { uid: credential }) },
        src_endpoint: { ip: sourceIp },
        service: { name: 'gateway' },
      });
    },
    suppressedAuth({ count, since, sourceIp }) {
      append({
        ...base(3002, 1, 3, now(), ''),
        severity_id: 4,
        status_id: 2,
        status_detail: 'suppressed',
        count,
        start_time: since,
        user: { name: 'unknown' },
        src_endpoint: { ip: sourceIp },
        service: { name: 'gateway' },
      });
    },
  };

  function fingerprint(turns: readonly Turn[]): JsonObject {
    const text = JSON.stringify(turns.map((turn) => [turn.role, turn.text]));
    const length = turns.reduce((sum, turn) => sum + turn.text.length, 0);
    return { hmacSha256: createHmac('sha256', promptKey).update(text).digest('hex'), length };
  }
}

/** API Activity 6003; activity 1 is Create, 2 is Read. */
function apiActivity({ requestId, caller, operation }: RecordedRequest, time: number): JsonObject {
  return {
    ...base(6003, operation.startsWith('GET ') ? 2 : 1, 6, time, requestId),
    actor: { user: { name: caller.subject, uid: caller.credential, type: caller.role } },
    api: { operation, request: { uid: requestId } },
    src_endpoint: { ip: caller.sourceIp },
  };
}

function base(classUid: number, activity: number, category: number, time: number, requestId: string): JsonObject {
  return {
    class_uid: classUid,
    category_uid: category,
    activity_id: activity,
    type_uid: classUid * 100 + activity,
    severity_id: 1,
    time,
    metadata: {
      version: '1.8.0',
      product: { name: 'Rempart', vendor_name: 'Rempart' },
      correlation_uid: requestId,
    },
  };
}
