// The journal's view of a request: received before the first byte of the answer, outcome after it. OCSF 1.8.0 bodies, no text of a user.
import { fastHmac } from '../../platform/base/fast-hmac.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Journal, When } from '../../platform/journal/journal.ts';
import { detectionFinding, type Severity } from '../../platform/journal/ocsf.ts';
import type { Caller } from './ask.ts';
import {
  aiMetadata,
  apiActivity,
  controlAiMetadata,
  controlMetadata,
  outcomes,
  plainMetadata,
  receivedOutcome,
} from './request-activity.ts';

export interface RecordedRequest {
  requestId: string;
  caller: Caller;
  /** Method and path of ours, e.g. "POST /v1/chat/completions"; "ask" inside the process. */
  operation: string;
  startedAt: number;
  /** The id under which it waited. */
  deferred?: string;
  /** The recorder's own: what its outcome will say again. */
  noted?: Noted | undefined;
}

/** What is sent to a model, by whoever speaks: the turns of a chat, a prompt, the inputs of embeddings. */
export interface Spoken {
  role: string;
  text: string;
}

export interface ReceivedFacts {
  dialect: string;
  model?: string;
  stream?: boolean;
  turns?: readonly Spoken[];
}

export interface OutcomeFacts {
  kind: 'answered' | 'failed' | 'cut' | 'aborted' | 'refused' | 'deferred';
  status?: number;
  code?: string;
  provider?: string;
  /** The pattern of the configuration that led there. */
  route?: string;
  modelAsked?: string;
  modelUsed?: string;
  attempts?: number;
  promptTokens?: number;
  completionTokens?: number;
  tokensEstimated?: boolean;
  firstByteMs?: number;
  /** Characters of the answer's texts. */
  responseSize?: number;
  degraded?: string;
  /** The id under which it waits, or waited. */
  deferred?: string;
  /** The limit that stopped it: "requests per user every hour". */
  limit?: string;
}

/** What was found in a request or its answer, and what was done: for its outcome. */
type NotedVerdict = { action: string; category: string; role: string };

/** What is known of a request before its outcome. */
export interface Noted {
  dialect?: string;
  model?: string;
  prompt?: { hmacSha256: string; length: number };
  verdicts: NotedVerdict[];
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
  const hmac = fastHmac(promptKey);
  function append(event: JsonObject, when?: When): void {
    journal.append(event, when).catch((err: unknown) => log.error({ err }, 'an event could not be journalled'));
  }
  function notedOf(request: RecordedRequest): Noted {
    request.noted ??= { verdicts: [] };
    return request.noted;
  }
  return {
    received(request, { dialect, model, stream, turns }) {
      const known = notedOf(request);
      known.dialect = dialect;
      if (model !== undefined) known.model = model;
      if (turns !== undefined) known.prompt = fingerprint(turns);
      const time = now();
      return journal.append(
        apiActivity(request, {
          ai: model === undefined ? undefined : { provider: dialect, name: model, role: 1 },
          metadata: model === undefined ? plainMetadata : aiMetadata,
          outcome: receivedOutcome,
          time,
          unmapped: { dialect, model, phase: 'received', prompt: known.prompt, stream },
        }),
      );
    },
    outcome(request, facts) {
      const time = now();
      const { dialect = 'unknown', model, prompt, verdicts } = notedOf(request);
      const named = facts.modelUsed ?? facts.modelAsked ?? model;
      append(
        apiActivity(request, {
          ai: named === undefined ? undefined : { provider: facts.provider ?? dialect, name: named, role: 2 },
          facts,
          metadata: named === undefined ? controlMetadata : controlAiMetadata,
          outcome: outcomes[facts.kind],
          time,
          unmapped: {
            attempts: facts.attempts,
            code: facts.code,
            completionTokens: facts.completionTokens,
            deferred: facts.deferred ?? request.deferred,
            degraded: facts.degraded,
            dialect,
            firstByteMs: facts.firstByteMs,
            kind: facts.kind,
            limit: facts.limit,
            modelAsked: facts.modelAsked,
            modelUsed: facts.modelUsed,
            phase: 'outcome',
            prompt,
            promptTokens: facts.promptTokens,
            provider: facts.provider,
            responseSize: facts.responseSize,
            route: facts.route,
            status: facts.status,
            tokensEstimated: facts.tokensEstimated,
            totalMs: time - request.startedAt,
            verdicts: verdicts.length === 0 ? undefined : verdicts,
          },
        }),
        'soon',
      );
    },
    finding(request, { category, severity, rules, ...facts }) {
      const { requestId, caller, operation } = request;
      const { verdicts } = notedOf(request);
      if (verdicts.length < maxVerdicts) verdicts.push({ action: facts.action, category, role: facts.role });
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

  function fingerprint(turns: readonly Spoken[]): { hmacSha256: string; length: number } {
    let length = 0;
    const said: string[][] = [];
    for (const { role, text } of turns) {
      said.push([role, text]);
      length += text.length;
    }
    return { hmacSha256: hmac(JSON.stringify(said)), length };
  }
}

/** More than one answer ever has; a list in a record must have an end. */
const maxVerdicts = 20;

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
