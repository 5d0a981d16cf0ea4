// Bodies of OCSF 1.8.0 events (https://schema.ocsf.io/1.8.0): only the classes that Rempart writes, only facts, never a text of a user.
import type { JsonObject } from '../base/json.ts';

export const severities = { informational: 1, low: 2, medium: 3, high: 4, critical: 5, fatal: 6 } as const;
export type Severity = keyof typeof severities;

export interface EventBase {
  /** Milliseconds since the epoch. */
  time: number;
  severity?: Severity;
  /** The same on every event of one request. */
  correlation?: string;
  status?: 'success' | 'failure';
  /** A stable code of the error catalogue or of the protocol. */
  statusCode?: string;
  /** What OCSF has no field for; `phase` is read by the verifier. */
  unmapped?: JsonObject;
}

const apiActivities = { create: 1, read: 2, update: 3, delete: 4 } as const;

export interface ApiActivity extends EventBase {
  activity: keyof typeof apiActivities;
  operation: string;
  actor: { subject: string; credential?: string };
  sourceIp: string;
  /** With it the `ai_operation` profile is declared. */
  ai?: AiOperation;
  /** With it the `security_control` profile is declared. */
  control?: { action: 'allowed' | 'denied'; disposition: keyof typeof dispositions };
}

export interface AiOperation {
  provider: string;
  model: string;
  promptTokens?: number;
  completionTokens?: number;
}

const dispositions = {
  allowed: 1,
  blocked: 2,
  delayed: 14,
  detected: 15,
  logged: 17,
  unauthorized: 26,
  error: 27,
} as const;

/** API Activity, class 6003. */
export function apiActivity(facts: ApiActivity): JsonObject {
  const profiles = [
    ...(facts.ai === undefined ? [] : ['ai_operation']),
    ...(facts.control === undefined ? [] : ['security_control']),
  ];
  return {
    ...base(6, 6003, apiActivities[facts.activity], facts, profiles),
    api: { operation: facts.operation },
    actor: {
      user: {
        name: facts.actor.subject,
        ...(facts.actor.credential === undefined ? {} : { credential_uid: facts.actor.credential }),
      },
    },
    src_endpoint: { ip: facts.sourceIp },
    ...(facts.ai === undefined ? {} : aiFields(facts.ai)),
    ...(facts.control === undefined
      ? {}
      : {
          action_id: facts.control.action === 'allowed' ? 1 : 2,
          disposition_id: dispositions[facts.control.disposition],
        }),
  };
}

function aiFields(ai: AiOperation): JsonObject {
  const context: JsonObject = { ai_role_id: 2, application: { name: 'Rempart' } };
  if (ai.promptTokens !== undefined) context['prompt_tokens'] = ai.promptTokens;
  if (ai.completionTokens !== undefined) context['completion_tokens'] = ai.completionTokens;
  if (ai.promptTokens !== undefined && ai.completionTokens !== undefined) {
    context['total_tokens'] = ai.promptTokens + ai.completionTokens;
  }
  return { ai_model: { ai_provider: ai.provider, name: ai.model }, message_context: context };
}

const authentications = { logon: 1, logoff: 2 } as const;

export interface Authentication extends EventBase {
  activity: keyof typeof authentications;
  subject: string;
  sourceIp: string;
  credential?: string;
}

/** Authentication, class 3002. */
export function authentication(facts: Authentication): JsonObject {
  return {
    ...base(3, 3002, authentications[facts.activity], facts, []),
    user: {
      name: facts.subject,
      ...(facts.credential === undefined ? {} : { credential_uid: facts.credential }),
    },
    service: { name: 'Rempart' },
    src_endpoint: { ip: facts.sourceIp },
  };
}

const findings = { create: 1, update: 2, close: 3 } as const;

export interface DetectionFinding extends EventBase {
  activity: keyof typeof findings;
  uid: string;
  title: string;
  /** Name of the rule or detector. */
  analytic?: string;
  types?: string[];
}

/** Detection Finding, class 2004. */
export function detectionFinding(facts: DetectionFinding): JsonObject {
  return {
    ...base(2, 2004, findings[facts.activity], facts, []),
    finding_info: {
      uid: facts.uid,
      title: facts.title,
      ...(facts.analytic === undefined ? {} : { analytic: { name: facts.analytic, type_id: 1 } }),
      ...(facts.types === undefined ? {} : { types: facts.types }),
    },
  };
}

const lifecycles = { start: 3, stop: 4, restart: 5, enable: 6, disable: 7, update: 8, other: 99 } as const;

export interface ApplicationLifecycle extends EventBase {
  activity: keyof typeof lifecycles;
  /** The part that it happened to; default Rempart as a whole. */
  app?: string;
}

/** Application Lifecycle, class 6002. */
export function applicationLifecycle(facts: ApplicationLifecycle): JsonObject {
  return {
    ...base(6, 6002, lifecycles[facts.activity], facts, []),
    ...(facts.activity === 'other' ? { activity_name: 'Recovery' } : {}),
    app: { name: facts.app ?? 'Rempart' },
  };
}

/** The journal's own note that it found its end torn, or shorter than what was signed. */
export function journalRecovered(time: number, unmapped: JsonObject): JsonObject {
  const severity = 'signedUpTo' in unmapped ? 'critical' : 'low';
  return applicationLifecycle({ activity: 'other', app: 'journal', time, severity, unmapped });
}

/** What every class has. */
export function base(
  category: number,
  uid: number,
  activity: number,
  facts: EventBase,
  profiles: string[],
): JsonObject {
  return {
    activity_id: activity,
    category_uid: category,
    class_uid: uid,
    type_uid: uid * 100 + activity,
    severity_id: severities[facts.severity ?? 'informational'],
    time: facts.time,
    metadata: {
      version: '1.8.0',
      product: { name: 'Rempart', vendor_name: 'Rempart' },
      ...(profiles.length === 0 ? {} : { profiles }),
      ...(facts.correlation === undefined ? {} : { correlation_uid: facts.correlation }),
    },
    ...(facts.status === undefined ? {} : { status_id: facts.status === 'success' ? 1 : 2 }),
    ...(facts.statusCode === undefined ? {} : { status_code: facts.statusCode }),
    ...(facts.unmapped === undefined ? {} : { unmapped: facts.unmapped }),
  };
}
