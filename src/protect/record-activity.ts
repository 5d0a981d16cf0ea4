// What people do beside asking a model, for the journal: log in and out, change keys, read and change what is kept of them.
import { RempartError } from '../platform/base/errors.ts';
import type { JsonObject } from '../platform/base/json.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { type ApiActivity, apiActivity, authentication } from '../platform/journal/ocsf.ts';
import type { Caller } from './gateway/ask.ts';

export interface RequestFacts {
  activity: ApiActivity['activity'];
  /** Ours, with ID for every id. */
  operation: string;
  caller: Caller;
  requestId: string;
  /** Why it was refused or failed. */
  error?: unknown;
  unmapped?: JsonObject;
}

export interface KeyChange {
  activity: 'create' | 'delete';
  id: string;
  subject: string;
  role: string;
  /** The id of the key that it takes over from. */
  replaces?: string;
}

export interface TokenChange {
  activity: 'issue' | 'revoke';
  jti?: string;
  subject?: string;
  expiresAt?: string;
}

/** Each resolves once its record is on disk, and rejects with ERR_JOURNAL_UNWRITABLE. */
export interface RecordActivity {
  request(facts: RequestFacts): Promise<void>;
  session(facts: { activity: 'logon' | 'logoff'; caller: Caller }): Promise<void>;
  keyChange(change: KeyChange): Promise<void>;
  tokenChange(change: TokenChange): Promise<void>;
}

export interface RecordActivityParts {
  journal: Pick<Journal, 'append'>;
  now: () => number;
}

export function createRecordActivity({ journal, now }: RecordActivityParts): RecordActivity {
  return {
    async request({ activity, operation, caller, requestId, error, unmapped }) {
      await journal.append(
        apiActivity({
          time: now(),
          activity,
          operation,
          actor: { subject: caller.subject, credential: caller.credential },
          sourceIp: caller.sourceIp,
          correlation: requestId,
          ...(error === undefined
            ? { status: 'success' as const }
            : { status: 'failure' as const, severity: 'medium' as const, statusCode: codeOf(error) }),
          ...(unmapped === undefined ? {} : { unmapped }),
        }),
      );
    },
    async session({ activity, caller: { subject, credential, sourceIp } }) {
      await journal.append(authentication({ time: now(), activity, subject, credential, sourceIp, status: 'success' }));
    },
    async tokenChange({ activity, ...token }) {
      await journal.append(
        apiActivity({
          time: now(),
          activity: activity === 'issue' ? 'create' : 'delete',
          operation: `token ${activity}`,
          actor: { subject: 'owner of the data directory' },
          sourceIp: '127.0.0.1',
          status: 'success',
          unmapped: { token },
        }),
      );
    },
    async keyChange({ activity, ...key }) {
      await journal.append(
        apiActivity({
          time: now(),
          activity,
          operation: activity === 'delete' ? 'keys revoke' : key.replaces === undefined ? 'keys create' : 'keys rotate',
          // Only who owns the data directory reaches these commands.
          actor: { subject: 'owner of the data directory' },
          sourceIp: '127.0.0.1',
          status: 'success',
          unmapped: { key },
        }),
      );
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof RempartError ? error.code : 'ERR_INTERNAL';
}
