// Whether a known caller may do what is asked.
import { RempartError } from '../../platform/base/errors.ts';
import type { Caller } from './ask.ts';

/** Throws ERR_FORBIDDEN: a viewer reads the console and calls no model. */
export function admit(caller: Caller): void {
  if (caller.role === 'viewer') throw new RempartError('ERR_FORBIDDEN');
}
