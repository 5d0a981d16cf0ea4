// The primary key is refused every other time, as while a revocation spreads: a compromised key must be left for good at its first refusal.
import { providerErrorBody } from '../../../platform/wire/provider-error-bodies.ts';
import type { CallDecider } from '../fault.ts';

export function streakFault(): CallDecider {
  let uses = 0;
  return (call, dialect) => {
    if (call.key !== 'primary' || !call.isChat || uses++ % 2 === 1) return { act: 'relay' };
    const { status, headers, body } = providerErrorBody(dialect, 'key-refused');
    return { act: 'answer', status, headers, body };
  };
}
