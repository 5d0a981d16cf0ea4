// Every error a user can meet: one code, one sentence, what to do. The texts live in locales/*/errors.json.
import { type Lang, say, type TextKey } from '../i18n/say.ts';

/** What each code means for the caller: `exit` is the process's exit code, `http` the status where a server answers it. */
export const errorCatalogue = {
  ERR_ANALYSIS_FAILED: { exit: 1 },
  ERR_ANALYSIS_TIMEOUT: { exit: 1 },
  ERR_ANALYSIS_INTERNAL: { exit: 3 },
  ERR_EXPORT_ARCHIVE: { exit: 1 },
  ERR_EXPORT_BOMB: { exit: 1 },
  ERR_EXPORT_CORRUPT: { exit: 1 },
  ERR_EXPORT_CUT_OFF: { exit: 1 },
  ERR_EXPORT_ENCRYPTED: { exit: 1 },
  ERR_EXPORT_MISSING: { exit: 3 },
  ERR_EXPORT_SHAPE: { exit: 1 },
  ERR_EXPORT_TOO_LARGE: { exit: 1 },
  ERR_ACCESS_REVOKED: { exit: 1, http: 401 },
  ERR_ANSWER_BLOCKED: { exit: 1, http: 422 },
  ERR_ANSWER_UNSCREENED: { exit: 1, http: 503 },
  ERR_BEHAVIOUR: { exit: 1, http: 429 },
  ERR_BODY_DEPTH: { exit: 1, http: 400 },
  ERR_BODY_DUPLICATE_KEY: { exit: 1, http: 400 },
  ERR_BODY_ENCODING: { exit: 1, http: 415 },
  ERR_BODY_FIELD_INVALID: { exit: 1, http: 400 },
  ERR_BODY_FIELD_UNKNOWN: { exit: 1, http: 400 },
  ERR_BODY_INVALID: { exit: 1, http: 400 },
  ERR_BODY_JSON: { exit: 1, http: 400 },
  ERR_BODY_TOO_LARGE: { exit: 1, http: 413 },
  ERR_BODY_UNTRANSLATABLE: { exit: 1, http: 400 },
  ERR_CONFIG_INVALID: { exit: 2, http: 422 },
  ERR_CONFIG_UNKNOWN_KEY: { exit: 2, http: 422 },
  ERR_CONFIG_UNREADABLE: { exit: 2, http: 422 },
  ERR_CONTROL_COMMAND: { exit: 2 },
  ERR_CONTROL_UNREACHABLE: { exit: 3 },
  ERR_CONVERSATION_BLOCKED: { exit: 1, http: 403 },
  ERR_CONVERSATION_UNKNOWN: { exit: 1, http: 404 },
  ERR_DATA_LOCKED: { exit: 3 },
  ERR_DEFERRED_ABANDONED: { exit: 1, http: 500 },
  ERR_DEFERRED_CANCELLED: { exit: 1, http: 410 },
  ERR_DEFERRED_EXPIRED: { exit: 1, http: 410 },
  ERR_DEFERRED_HEADER: { exit: 1, http: 400 },
  ERR_DEFERRED_UNKNOWN: { exit: 1, http: 404 },
  ERR_DEFERRED_WEBHOOK: { exit: 1, http: 400 },
  ERR_DEPLOYMENT_INVALID: { exit: 2 },
  ERR_DEPLOYMENT_UNREADABLE: { exit: 2 },
  ERR_EXPERIMENT_INVALID: { exit: 2 },
  ERR_DATA_MISSING: { exit: 3 },
  ERR_FORBIDDEN: { exit: 1, http: 403 },
  ERR_GAMEDAY_INVALID: { exit: 2 },
  ERR_HEADERS_TOO_LARGE: { exit: 1, http: 431 },
  ERR_HOST_REFUSED: { exit: 1, http: 403 },
  ERR_INTERNAL: { exit: 1, http: 500 },
  ERR_JOB_ABANDONED: { exit: 1 },
  ERR_JOB_CHANGED: { exit: 1 },
  ERR_JOB_OVER: { exit: 1 },
  ERR_JOB_UNKNOWN: { exit: 2 },
  ERR_JOURNAL_MISSING: { exit: 3 },
  ERR_JOURNAL_TAMPERED: { exit: 1 },
  ERR_JOURNAL_UNWRITABLE: { exit: 3, http: 503 },
  ERR_KEY_FIXED: { exit: 2 },
  ERR_KEY_INVALID: { exit: 1, http: 401 },
  ERR_KEY_MISSING: { exit: 1, http: 401 },
  ERR_KEY_OVER: { exit: 2 },
  ERR_KEY_UNKNOWN: { exit: 2 },
  ERR_LANG_UNKNOWN: { exit: 2 },
  ERR_LIMIT_AT_ONCE: { exit: 1, http: 429 },
  ERR_LIMIT_REQUESTS: { exit: 1, http: 429 },
  ERR_LIMIT_TOKENS: { exit: 1, http: 429 },
  ERR_LIMIT_TOO_LARGE: { exit: 1, http: 429 },
  ERR_LISTEN: { exit: 3 },
  ERR_LOCKED_OUT: { exit: 1, http: 429 },
  ERR_METHOD_NOT_ALLOWED: { exit: 1, http: 405 },
  ERR_MODELS_API: { exit: 3 },
  ERR_MODELS_BACKUP: { exit: 1 },
  ERR_MODELS_EMPTY: { exit: 3 },
  ERR_MODELS_LIST: { exit: 1 },
  ERR_MODELS_NO_LIST: { exit: 3 },
  ERR_MODELS_QUARANTINE: { exit: 3 },
  ERR_MODELS_RESTORE: { exit: 3 },
  ERR_MODELS_STORE: { exit: 3 },
  ERR_MODELS_UNKNOWN: { exit: 2 },
  ERR_MODEL_REMOTE: { exit: 1, http: 403 },
  ERR_MODEL_UNKNOWN: { exit: 1, http: 404 },
  ERR_MODEL_UNVERIFIED: { exit: 1, http: 403 },
  ERR_MODEL_VERIFYING: { exit: 1, http: 503 },
  ERR_NODE_TOO_OLD: { exit: 3 },
  ERR_NOT_FOUND: { exit: 1, http: 404 },
  ERR_OBSERVATIONS_INVALID: { exit: 2 },
  ERR_ORIGIN_REFUSED: { exit: 1, http: 403 },
  ERR_OUTPUT_EXISTS: { exit: 2 },
  ERR_OUTPUT_UNWRITABLE: { exit: 3 },
  ERR_OVERLOADED: { exit: 1, http: 503 },
  ERR_PLAYBOOK_CONDITION: { exit: 2 },
  ERR_PLAYBOOK_INVALID: { exit: 2 },
  ERR_PLAYBOOK_UNKNOWN: { exit: 2 },
  ERR_PLAYBOOK_UNREADABLE: { exit: 2 },
  ERR_PLAYBOOK_VARIABLE: { exit: 2 },
  ERR_PORT_BUSY: { exit: 3 },
  ERR_POSTURE_FILE_INVALID: { exit: 2 },
  ERR_POSTURE_FILE_UNREADABLE: { exit: 2 },
  ERR_POSTURE_FIREWALL: { exit: 2 },
  ERR_PROFILE_INVALID: { exit: 2 },
  ERR_PROFILE_PLACEHOLDER: { exit: 2 },
  ERR_PROFILE_UNREADABLE: { exit: 2 },
  ERR_PROMPT_BLOCKED: { exit: 1, http: 400 },
  ERR_PROVIDER_REFUSED: { exit: 1, http: 502 },
  ERR_PROVIDER_REQUEST: { exit: 1, http: 400 },
  ERR_PROVIDER_UNAVAILABLE: { exit: 1, http: 503 },
  ERR_QUARANTINED: { exit: 1, http: 403 },
  ERR_QUOTA_EXHAUSTED: { exit: 1, http: 429 },
  ERR_RATE_LIMITED: { exit: 1, http: 429 },
  ERR_REQUEST_ID_REUSED: { exit: 1, http: 409 },
  ERR_REQUEST_MALFORMED: { exit: 1, http: 400 },
  ERR_REQUEST_TIMEOUT: { exit: 1, http: 408 },
  ERR_ROUTE_REFUSED: { exit: 1, http: 403 },
  ERR_RUN_UNREADABLE: { exit: 2 },
  ERR_SCOPE_MODEL: { exit: 1, http: 403 },
  ERR_SCOPE_ROUTE: { exit: 1, http: 403 },
  ERR_SCREEN_LINE: { exit: 1 },
  ERR_SCREENING_MODEL: { exit: 3 },
  ERR_SECRET_MISSING: { exit: 2, http: 422 },
  ERR_SIMULATION_RUNNING: { exit: 3 },
  ERR_STORE_AWAY: { exit: 3, http: 503 },
  ERR_STREAM_CUT: { exit: 1, http: 502 },
  ERR_STREAM_EVENT_TOO_LARGE: { exit: 1, http: 502 },
  ERR_TARGET_NOT_LOCAL: { exit: 2 },
  ERR_TARGET_UNREACHABLE: { exit: 3 },
  ERR_TOKEN_KEYS_AWAY: { exit: 3, http: 503 },
  ERR_TOKEN_SIGNING: { exit: 2 },
  ERR_UNSCREENED: { exit: 1, http: 503 },
  ERR_USAGE: { exit: 2 },
  ERR_WAF_BLOCKED: { exit: 1, http: 403 },
  ERR_WORKERS_UNSUPPORTED: { exit: 3 },
  ERR_WORKER_LOST: { exit: 1, http: 503 },
  ERR_LOCKDOWN: { exit: 1, http: 503 },
  ERR_MODES_UNREADABLE: { exit: 3 },
  ERR_MODES_UNWRITABLE: { exit: 3 },
  ERR_ACTION_ARGS: { exit: 2 },
  ERR_ACTION_CHANGED: { exit: 1 },
  ERR_ACTION_DENIED: { exit: 1 },
  ERR_ACTION_FAILED: { exit: 1 },
  ERR_ACTION_OFF: { exit: 1 },
  ERR_ACTION_PROTECTED: { exit: 1 },
  ERR_ACTION_TIMEOUT: { exit: 1 },
  ERR_ACTION_TOO_MANY: { exit: 1 },
  ERR_ACTION_UNKNOWN: { exit: 2 },
  ERR_INCIDENT_NOTHING_DONE: { exit: 1 },
  ERR_INCIDENT_OVER: { exit: 1 },
  ERR_INCIDENT_TYPE: { exit: 2 },
  ERR_INCIDENT_UNKNOWN: { exit: 2 },
  ERR_TAXONOMY_INVALID: { exit: 2 },
  ERR_TAXONOMY_UNREADABLE: { exit: 2 },
  ERR_ACTION_NO_INCIDENT: { exit: 1 },
  ERR_TASK_SEVERAL: { exit: 2 },
  ERR_PLAYBOOK_ENDLESS: { exit: 1 },
  ERR_PLAYBOOK_STEP: { exit: 2 },
  ERR_RUN_BUSY: { exit: 3 },
  ERR_PLAYBOOK_NEEDS: { exit: 2 },
  ERR_RUN_OVER: { exit: 1 },
  ERR_RUN_UNKNOWN: { exit: 2 },
  ERR_STEP_NOT_DONE: { exit: 1 },
  ERR_TASK_OVER: { exit: 1 },
  ERR_TASK_OWN: { exit: 1 },
  ERR_TASK_PLAN: { exit: 1 },
  ERR_TASK_UNKNOWN: { exit: 2 },
  ERR_ACTION_UNAVAILABLE: { exit: 3 },
  ERR_STATE_UNKNOWN: { exit: 2 },
  ERR_STATE_NO_BACKUP: { exit: 1 },
  ERR_STATE_INVALID: { exit: 1 },
  ERR_STATE_EVIDENCE: { exit: 3 },
  ERR_STATE_UNWRITABLE: { exit: 3 },
  ERR_SOURCE_UNUSABLE: { exit: 3 },
  ERR_ROLLBACK_UNKNOWN: { exit: 2 },
  ERR_ROLLBACK_BUSY: { exit: 3 },
  ERR_ROLLBACK_UNDO: { exit: 1 },
  ERR_DEPLOYMENT_NONE: { exit: 2 },
  ERR_ENGINE_NONE: { exit: 3 },
  ERR_ENGINE_UNREACHABLE: { exit: 3 },
  ERR_ENGINE_TIMEOUT: { exit: 3 },
  ERR_ENGINE_REFUSED: { exit: 1 },
  ERR_ENGINE_CONTAINER: { exit: 2 },
  ERR_ENGINE_ANSWER: { exit: 3 },
  ERR_ESCALATION_INVALID: { exit: 2 },
  ERR_POSTMORTEM_NONE: { exit: 1 },
  ERR_SELECT_UNKNOWN: { exit: 2 },
  ERR_SELECT_UNIT: { exit: 2 },
  ERR_ACTION_LAST_MODEL: { exit: 1 },
  ERR_CONTAINER_NETWORK: { exit: 1 },
  ERR_CONTAINER_STILL: { exit: 1 },
  ERR_SERVICE_UNHEALTHY: { exit: 1 },
  ERR_COMPOSE_NONE: { exit: 3 },
  ERR_COMPOSE_FAILED: { exit: 1 },
  ERR_CHECKLIST_POINT: { exit: 2 },
  ERR_CHECKLIST_NOTE: { exit: 2 },
  ERR_CHECKLIST_NONE: { exit: 1 },
  ERR_PROVIDER_UNKNOWN: { exit: 2 },
  ERR_PROVIDER_NO_SPARE: { exit: 1 },
  ERR_MODEL_NO_BACKUP: { exit: 3 },
  ERR_MODEL_LAST: { exit: 1 },
  ERR_SOURCE_BLOCKED: { exit: 1, http: 403 },
  ERR_KEY_SUSPENDED: { exit: 1, http: 403 },
  ERR_SAFE_MODE: { exit: 1, http: 503 },
  ERR_COMMAND_PLACE: { exit: 2 },
  ERR_COMMAND_VALUE: { exit: 1 },
  ERR_COMMAND_TARGET: { exit: 2 },
  ERR_COMMAND_FAILED: { exit: 1 },
  ERR_COMMAND_TIMEOUT: { exit: 1 },
  ERR_COMMAND_SECRET: { exit: 2 },
  ERR_COMMAND_SSH_NONE: { exit: 3 },
  ERR_COMMAND_SSH: { exit: 1 },
  ERR_COMMAND_URL: { exit: 2 },
  ERR_COMMAND_REQUEST: { exit: 2 },
  ERR_COMMAND_HTTP: { exit: 1 },
  ERR_COMMAND_UNREACHABLE: { exit: 3 },
  ERR_FIREWALL_NONE: { exit: 3 },
  ERR_FIREWALL_FAILED: { exit: 1 },
  ERR_CORRECTION_UNKNOWN: { exit: 2 },
  ERR_SESSION_SHUT_OUT: { exit: 1, http: 403 },
  ERR_RESTRAINTS_UNREADABLE: { exit: 3 },
  ERR_RESTRAINTS_UNWRITABLE: { exit: 3 },
} as const satisfies Record<string, { exit: 1 | 2 | 3; http?: number }>;

export type ErrorCode = keyof typeof errorCatalogue;
/** A fact that is itself a text of the catalogue, so that it too is said in the reader's language. */
export interface Phrase {
  key: TextKey;
  facts?: Readonly<Record<string, string | number>>;
}
export type Facts = Readonly<Record<string, string | number | Phrase>>;

/** An error with a code of the catalogue; its facts fill the sentence and must never hold a secret. */
export class RempartError extends Error {
  override readonly name = 'RempartError';
  readonly code: ErrorCode;
  readonly facts: Facts;

  constructor(code: ErrorCode, facts: Facts = {}, cause?: unknown) {
    super(say('en', code, spoken('en', facts)), cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }

  get exit(): 1 | 2 | 3 {
    return errorCatalogue[this.code].exit;
  }

  get http(): number {
    const entry = errorCatalogue[this.code];
    return 'http' in entry ? entry.http : 500;
  }
}

/** The sentence and what to do, in the user's language. */
export function explainError(error: RempartError, lang: Lang): { says: string; todo: string } {
  const facts = spoken(lang, error.facts);
  return { says: say(lang, error.code, facts), todo: say(lang, `${error.code}.do`, facts) };
}

function spoken(lang: Lang, facts: Facts): Readonly<Record<string, string | number>> {
  const said = Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [
      name,
      typeof fact === 'object' ? say(lang, fact.key, spoken(lang, fact.facts ?? {})) : fact,
    ]),
  );
  const { seconds } = said;
  return typeof seconds === 'number' ? { ...said, duration: duration(lang, seconds) } : said;
}

/** "1 second", "15 minutes", « 24 heures »: rounded up, since who comes back too early waits again. */
function duration(lang: Lang, seconds: number): string {
  const [unit, length] =
    seconds <= 120
      ? (['second', 1] as const)
      : seconds <= 7_200
        ? (['minute', 60] as const)
        : (['hour', 3_600] as const);
  const format = new Intl.NumberFormat(lang, { style: 'unit', unit, unitDisplay: 'long' });
  return format.format(Math.ceil(seconds / length));
}
