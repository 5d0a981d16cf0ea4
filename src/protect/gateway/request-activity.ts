// What the journal holds of a request: OCSF 1.8.0 API Activity (6003), no text of a user, its keys in the journal's canonical order.
import type { Json, JsonObject } from '../../platform/base/json.ts';
import type { OutcomeFacts, RecordedRequest } from './record.ts';

interface Outcome {
  status: number;
  severity: number;
  name?: string;
  action?: number;
  disposition?: number;
}

export const receivedOutcome: Outcome = { status: 0, severity: 1 };
/** Success or failure, how grave, and OCSF's security_control: 1 Allowed or 2 Denied; 1 Allowed, 2 Blocked, 14 Delayed, 27 Error. */
export const outcomes: Readonly<Record<OutcomeFacts['kind'], Outcome>> = {
  answered: { status: 1, severity: 1, action: 1, disposition: 1 },
  aborted: { status: 2, severity: 1, action: 1, disposition: 1 },
  cut: { status: 2, severity: 3, action: 1, disposition: 27 },
  failed: { status: 2, severity: 3, action: 1, disposition: 27 },
  refused: { status: 2, severity: 3, action: 2, disposition: 2 },
  deferred: { status: 99, name: 'Deferred', severity: 1, action: 1, disposition: 14 },
};

/** A JSON object of which JSON.stringify leaves out what is undefined. */
type Sparse = { readonly [key: string]: Json | undefined | Sparse | readonly Sparse[] };

interface Activity {
  /** For the `ai_operation` profile; role 1 is User, 2 is Assistant. No text, ever. */
  ai: { provider: string; name: string; role: 1 | 2 } | undefined;
  facts?: OutcomeFacts;
  metadata: (requestId: string) => Sparse;
  outcome: Outcome;
  time: number;
  unmapped: Sparse;
}

/**
 * API Activity 6003; activity 1 is Create, 2 is Read. One literal, its keys in the order of the journal's canonical form
 * and absent members undefined: put together from parts, the two records of a request took 40 µs more.
 */
export function apiActivity(
  { requestId, caller, operation }: RecordedRequest,
  { ai, facts, metadata, outcome, time, unmapped }: Activity,
): JsonObject {
  const activity = operation.startsWith('GET ') ? 2 : 1;
  const [prompt, completion] = [facts?.promptTokens, facts?.completionTokens];
  const { status, code } = facts ?? {};
  const isToldOf = status !== undefined || code !== undefined;
  const event: Sparse = {
    action_id: outcome.action,
    activity_id: activity,
    // Our roles are none of OCSF's account types: 99 is Other, and its name stands beside it.
    actor: { user: { name: caller.subject, type: caller.role, type_id: 99, uid: caller.credential } },
    ai_model: ai === undefined ? undefined : { ai_provider: ai.provider, name: ai.name },
    api: {
      operation,
      request: { uid: requestId },
      response: isToldOf ? { code: status, error: code } : undefined,
    },
    category_uid: 6,
    class_uid: 6003,
    disposition_id: outcome.disposition,
    duration: facts === undefined ? undefined : Math.max(0, Math.round(unmapped['totalMs'] as number)),
    message_context:
      ai === undefined
        ? undefined
        : {
            ai_role_id: ai.role,
            application: { name: 'Rempart' },
            completion_tokens: completion,
            prompt_tokens: prompt,
            total_tokens: prompt === undefined || completion === undefined ? undefined : prompt + completion,
            uid: requestId,
          },
    metadata: metadata(requestId),
    severity_id: outcome.severity,
    src_endpoint: { ip: caller.sourceIp },
    status: outcome.name,
    status_code: code,
    status_id: outcome.status,
    time,
    type_uid: 600_300 + activity,
    unmapped,
  };
  return event as JsonObject;
}

const product = { name: 'Rempart', vendor_name: 'Rempart' };
const metadataWith =
  (profiles?: string[]) =>
  (requestId: string): Sparse => ({ correlation_uid: requestId, product, profiles, version: '1.8.0' });
export const plainMetadata = metadataWith();
export const aiMetadata = metadataWith(['ai_operation']);
export const controlMetadata = metadataWith(['security_control']);
export const controlAiMetadata = metadataWith(['security_control', 'ai_operation']);
