// Every answer breaks off after its first events, or in the middle of its body when it is not streamed.
import type { CallDecider, CallFault } from '../fault.ts';

export function midStreamFault(fault: Extract<CallFault, { type: 'mid-stream' }>): CallDecider {
  return (call) => (call.isChat ? { act: 'cut-answer', afterEvents: fault.afterEvents } : { act: 'relay' });
}
