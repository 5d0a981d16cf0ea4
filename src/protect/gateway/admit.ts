// Whether a known caller may do what is asked.
import { RempartError } from '../../platform/base/errors.ts';
import type { Caller } from './ask.ts';
import { checkScopes } from './scopes.ts';

/** Throws ERR_FORBIDDEN (a viewer reads the console and calls no model), ERR_SCOPE_ROUTE, ERR_SCOPE_MODEL. */
export function admit(caller: Caller, asked?: { operation: string; model?: string }): void {
  if (caller.role === 'viewer') throw new RempartError('ERR_FORBIDDEN');
  if (asked !== undefined) checkScopes(caller.scopes, asked);
}
