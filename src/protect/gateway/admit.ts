// Whether a known caller may do what is asked, and whether a screened text may go on.
import { RempartError } from '../../platform/base/errors.ts';
import type { Caller } from './ask.ts';
import type { Verdict } from './screen.ts';

/** Throws ERR_FORBIDDEN: a viewer reads the console and calls no model. */
export function admit(caller: Caller): void {
  if (caller.role === 'viewer') throw new RempartError('ERR_FORBIDDEN');
}

/** Throws ERR_UNSCREENED: a check that could not run is never read as clean. */
export function admitText(verdict: Verdict): void {
  switch (verdict.kind) {
    case 'clean':
      return;
    case 'unscreened':
      throw new RempartError('ERR_UNSCREENED', { seconds: 5 }, verdict.cause);
  }
}
