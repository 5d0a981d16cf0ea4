// The connection breaks under the first attempt of each message and holds for the next: a retry is proved without timing.
import type { CallDecider } from '../fault.ts';

export function midRequestFault(): CallDecider {
  return (call) => (call.isChat && call.earlierAttempts === 0 ? { act: 'cut-request' } : { act: 'relay' });
}
