// The journal's view of a request: received before the first byte of the answer, outcome after it. OCSF 1.8.0 bodies, no text of a user.
import { createHmac, createSecretKey } from 'node:crypto';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { detectionFinding, type Severity } from '../../platform/journal/ocsf.ts';
import type { Caller } from './ask.ts';

export interface RecordedRequest {
  requestId: string;
  caller: Caller;
  /** Method and path of ours, e.g. "POST /v1/chat/completions"; "ask" inside the process. */
  operation: string;
  startedAt: number;
  /** The id under which it waited. */
  deferred?: string;
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
interface NotedVerdict {
  category: string;
  role: string;
  action: string;
}

/** What is known of a request before its outcome. */
interface Noted {
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
  // Made once: an HMAC takes 2.9 µs with it, 14 µs with the bytes.
  const hmacKey = createSecretKey(promptKey);
  function append(event: JsonObject): void {
    journal.append(event).catch((err: unknown) => log.error({ err }, 'an event could not be journalled'));
  }
  // Held as long as the request itself.
  const noted = new WeakMap<RecordedRequest, Noted>();
  function notedOf(request: RecordedRequest): Noted {
    const known = noted.get(request) ?? { verdicts: [] };
    noted.set(request, known);
    return known;
  }
  return {
    received(request, { turns, ...facts }) {
      const known = notedOf(request);
      known.dialect = facts.dialect;
      if (facts.model !== undefined) known.model = facts.model;
      if (turns !== undefined) known.prompt = fingerprint(turns);
      return journal.append({
        ...apiActivity(request, now(), facts.model === undefined ? [] : ['ai_operation']),
        status_id: 0,
        ...(facts.model === undefined ? {} : aiFields(request, 1, facts.dialect, facts.model)),
        unmapped: { phase: 'received', ...facts, ...(known.prompt === undefined ? {} : { prompt: known.prompt }) },
      });
    },
    outcome(request, facts) {
      const time = now();
      const { dialect = 'unknown', model, prompt, verdicts } = notedOf(request);
      const named = facts.modelUsed ?? facts.modelAsked ?? model;
      const { status, code } = facts;
      append({
        ...apiActivity(request, time, ['security_control', ...(named === undefined ? [] : ['ai_operation'])]),
        ...outcomes[facts.kind],
        duration: Math.max(0, Math.round(time - request.startedAt)),
        ...(code === undefined ? {} : { status_code: code }),
        api: {
          operation: request.operation,
          request: { uid: request.requestId },
          ...(status === undefined && code === undefined
            ? {}
            : { response: { ...(status === undefined ? {} : { code: status }), ...(code && { error: code }) } }),
        },
        ...(named === undefined ? {} : aiFields(request, 2, facts.provider ?? dialect, named, facts)),
        unmapped: {
          phase: 'outcome',
          dialect,
          ...(request.deferred === undefined ? {} : { deferred: request.deferred }),
          ...facts,
          ...(prompt === undefined ? {} : { prompt }),
          ...(verdicts.length === 0 ? {} : { verdicts: verdicts.map((one) => ({ ...one })) }),
          totalMs: time - request.startedAt,
        },
      });
    },
    finding(request, { category, severity, rules, ...facts }) {
      const { requestId, caller, operation } = request;
      const { verdicts } = notedOf(request);
      if (verdicts.length < maxVerdicts) verdicts.push({ category, role: facts.role, action: facts.action });
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
    const text = JSON.stringify(turns.map((turn) => [turn.role, turn.text]));
    const length = turns.reduce((sum, turn) => sum + turn.text.length, 0);
    return { hmacSha256: createHmac('sha256', hmacKey).update(text).digest('hex'), length };
  }
}

/** More than one answer ever has; a list in a record must have an end. */
const maxVerdicts = 20;

/** Success or failure, how grave, and OCSF's security_control: 1 Allowed or 2 Denied; 1 Allowed, 2 Blocked, 27 Error. */
const outcomes: Readonly<Record<OutcomeFacts['kind'], JsonObject>> = {
  answered: { status_id: 1, severity_id: 1, action_id: 1, disposition_id: 1 },
  aborted: { status_id: 2, severity_id: 1, action_id: 1, disposition_id: 1 },
  cut: { status_id: 2, severity_id: 3, action_id: 1, disposition_id: 27 },
  failed: { status_id: 2, severity_id: 3, action_id: 1, disposition_id: 27 },
  refused: { status_id: 2, severity_id: 3, action_id: 2, disposition_id: 2 },
  // 99 Other, 14 Delayed.
  deferred: { status_id: 99, status: 'Deferred', severity_id: 1, action_id: 1, disposition_id: 14 },
};

/** The `ai_operation` profile; role 1 is User, 2 is Assistant. No text, ever. */
function aiFields(
  { requestId }: RecordedRequest,
  role: 1 | 2,
  provider: string,
  model: string,
  { promptTokens, completionTokens }: Pick<OutcomeFacts, 'promptTokens' | 'completionTokens'> = {},
): JsonObject {
  return {
    ai_model: { ai_provider: provider, name: model },
    message_context: {
      ai_role_id: role,
      uid: requestId,
      application: { name: 'Rempart' },
      ...(promptTokens === undefined ? {} : { prompt_tokens: promptTokens }),
      ...(completionTokens === undefined ? {} : { completion_tokens: completionTokens }),
      ...(promptTokens === undefined || completionTokens === undefined
        ? {}
        : { total_tokens: promptTokens + completionTokens }),
    },
  };
}

/** API Activity 6003; activity 1 is Create, 2 is Read. */
function apiActivity(
  { requestId, caller, operation }: RecordedRequest,
  time: number,
  profiles: string[] = [],
): JsonObject {
  const { metadata, ...rest } = base(6003, operation.startsWith('GET ') ? 2 : 1, 6, time, requestId);
  return {
    ...rest,
    metadata: { ...(metadata as JsonObject), ...(profiles.length === 0 ? {} : { profiles }) },
    // Our roles are none of OCSF's account types: 99 is Other, and its name stands beside it.
    actor: { user: { name: caller.subject, uid: caller.credential, type_id: 99, type: caller.role } },
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
