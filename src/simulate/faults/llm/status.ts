// The provider answers every call, or every call with one key, with an error in its own words.
import { providerErrorBody } from '../../../platform/wire/provider-error-bodies.ts';
import type { CallDecider, CallFault } from '../fault.ts';

export function statusFault(fault: Extract<CallFault, { type: 'status' }>): CallDecider {
  return (call, dialect) => {
    if (fault.keys === 'primary' && call.key !== 'primary') return { act: 'relay' };
    if (fault.keys === 'unknown' && call.key !== 'other') return { act: 'relay' };
    const options = fault.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: fault.retryAfterSeconds };
    const { status, headers, body } = providerErrorBody(dialect, fault.error, options);
    return { act: 'answer', status, headers, body };
  };
}
