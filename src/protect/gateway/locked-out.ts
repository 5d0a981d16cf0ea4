// Lockdown as callers meet it: nobody but admins is served, and the refusal says when to come back.
import { RempartError } from '../../platform/base/errors.ts';
import type { Modes } from '../modes.ts';
import type { Caller } from './ask.ts';

const usualSeconds = 60;
const longestSeconds = 3_600;

export type ReadModes = Pick<Modes, 'active' | 'state'>;

/** What a caller is told while lockdown is on; undefined when it may go on. */
export function lockedOut(modes: ReadModes | undefined, caller: Caller, now: number): RempartError | undefined {
  if (modes === undefined || !modes.active('lockdown') || caller.role === 'admin') return undefined;
  const { until } = modes.state('lockdown');
  const left = until === undefined ? usualSeconds : Math.ceil((until - now) / 1_000);
  return new RempartError('ERR_LOCKDOWN', { seconds: Math.min(longestSeconds, Math.max(1, left)) });
}
