// What can be asked about access tokens from the command line: the same answers from a running instance and without one.
import type { ControlHandlers } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Revocations } from './gateway/tokens/revocations.ts';
import type { RecordActivity } from './record-activity.ts';

export interface TokenCommandsParts {
  revocations: Revocations;
  record: Pick<RecordActivity, 'tokenChange'>;
  now: () => number;
}

export function tokenCommands({ revocations, record, now }: TokenCommandsParts): ControlHandlers {
  return {
    async 'tokens.revoke'({ kind, value }) {
      if ((kind !== 'jti' && kind !== 'subject') || typeof value !== 'string' || value === '' || value.length > 500)
        throw new RempartError('ERR_BODY_INVALID', { what: 'kind' });
      const at = now();
      await revocations.revoke({ kind, value, at });
      await record.tokenChange({ activity: 'revoke', [kind]: value });
      return { kind, value, at: new Date(at).toISOString() };
    },
    /** Signed where the command runs, since only there its key is read; told here so that it is journalled. */
    async 'tokens.issued'({ jti, subject, expiresAt }) {
      await record.tokenChange({
        activity: 'issue',
        jti: String(jti),
        subject: String(subject),
        expiresAt: String(expiresAt),
      });
      return {};
    },
    'tokens.revoked': () =>
      revocations.list().map(({ kind, value, at }) => ({ kind, value, at: new Date(at).toISOString() })),
  };
}
