// Emergency modes as callers meet them: in lockdown nobody but admins is served, in safe mode no model is asked; the refusal says when to come back.
import { RempartError } from '../../platform/base/errors.ts';
import type { ModeName, Modes } from '../modes.ts';
import type { Caller } from './ask.ts';

const usualSeconds = 60;
const longestSeconds = 3_600;

export type ReadModes = Pick<Modes, 'active' | 'state'>;

/** What a caller is told while lockdown is on; undefined when it may go on. */
export function lockedOut(modes: ReadModes | undefined, caller: Caller, now: number): RempartError | undefined {
  if (modes === undefined || !modes.active('lockdown') || caller.role === 'admin') return undefined;
  return new RempartError('ERR_LOCKDOWN', { seconds: secondsLeft(modes, 'lockdown', now) });
}

/** What whoever asks a model is told in safe mode, in which none is asked; undefined when one may be. */
export function heldInSafeMode(modes: ReadModes | undefined, now: number): RempartError | undefined {
  if (modes === undefined || !modes.active('safe')) return undefined;
  return new RempartError('ERR_SAFE_MODE', { seconds: secondsLeft(modes, 'safe', now) });
}

function secondsLeft(modes: ReadModes, name: ModeName, now: number): number {
  const { until } = modes.state(name);
  const left = until === undefined ? usualSeconds : Math.ceil((until - now) / 1_000);
  return Math.min(longestSeconds, Math.max(1, left));
}
