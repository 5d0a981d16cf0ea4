// The provider accepts every call and never answers.
import type { CallDecider } from '../fault.ts';

export function silentFault(): CallDecider {
  return () => ({ act: 'silence' });
}
