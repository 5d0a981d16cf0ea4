// Every answer breaks off after its first events, inside the next, or in the middle of its body when it is not streamed.
import type { CallDecider, CallFault } from '../fault.ts';
import { cutAnswer } from './cut.ts';

export function midStreamFault({ afterEvents }: Extract<CallFault, { type: 'mid-stream' }>): CallDecider {
  return (call) =>
    call.isChat ? { act: 'edit', edit: cutAnswer({ afterEvents, where: 'frame', how: 'close' }) } : { act: 'relay' };
}
