// From a fault's data to the function that decides each call.
import type { CallDecider, CallFault, Fault } from './fault.ts';
import { midRequestFault } from './llm/mid-request.ts';
import { midStreamFault } from './llm/mid-stream.ts';
import { progressiveFault } from './llm/progressive.ts';
import { silentFault } from './llm/silent.ts';
import { statusFault } from './llm/status.ts';
import { streakFault } from './llm/streak.ts';

export function decideCalls(fault: CallFault): CallDecider {
  switch (fault.type) {
    case 'status':
      return statusFault(fault);
    case 'silent':
      return silentFault();
    case 'mid-request':
      return midRequestFault();
    case 'mid-stream':
      return midStreamFault(fault);
    case 'streak':
      return streakFault();
    case 'progressive':
      return progressiveFault(fault);
  }
}

/** How evidence names a fault. */
export function faultName(fault: Fault): string {
  switch (fault.type) {
    case 'status':
      return fault.name;
    case 'database':
    case 'database-server':
      return `database-${fault.how}`;
    case 'reconfigured':
      return fault.how;
    default:
      return fault.type;
  }
}
