// From a fault's data to the fault itself: each kind begins here, proves that it is on, and says how it ends.
import { faultName } from '../faults/call-faults.ts';
import type { CallFault, Fault } from '../faults/fault.ts';
import type { BeginParts, Begun } from './begun.ts';
import { breakDatabase, breakServer } from './break-database.ts';
import { crowd, saturate } from './break-host.ts';
import { blackhole, dropByFirewall, refuse } from './break-network.ts';
import { reconfigure } from './reconfigure.ts';

export async function beginFault(fault: Fault, parts: BeginParts): Promise<Begun> {
  switch (fault.type) {
    case 'refused':
      return refuse(parts);
    case 'blackhole-connect':
      return (fault.firewall ? await dropByFirewall(parts) : null) ?? blackhole(parts);
    case 'database':
      return breakDatabase(fault, parts);
    case 'database-server':
      return breakServer(fault, parts);
    case 'cpu':
      return saturate(fault, parts);
    case 'memory':
      return crowd(fault, parts);
    case 'reconfigured':
      return reconfigure(fault, parts);
    default:
      return decide(fault, parts);
  }
}

function decide(fault: CallFault, { proxy, now }: BeginParts): Begun {
  proxy.setFault(fault);
  const end = async () => {
    const touched = proxy.touched();
    proxy.setFault(null);
    return { t: now(), proved: touched > 0, proof: `${faultName(fault)} touched ${touched} calls` };
  };
  return { proved: true, proof: `calls are decided by ${faultName(fault)}`, end };
}
