// Faults on what the target lives on: processor and memory.
import type { Fault } from '../faults/fault.ts';
import { burnCpu } from '../faults/resource/cpu.ts';
import { type BeginParts, type Begun, logChild } from './begun.ts';

export function saturate(fault: Extract<Fault, { type: 'cpu' }>, parts: BeginParts): Begun {
  const burning = burnCpu(fault.threads, parts.leaseMs);
  const undone = logChild(burning.child, 'CPU burner', parts);
  const end = async () => {
    const dose = burning.dose();
    await burning.stop();
    undone();
    const proved = dose.busyShare >= 0.8 && dose.samples >= 4;
    return {
      t: parts.now(),
      proved,
      proof: `host at least 90 % busy in ${Math.round(dose.busyShare * 100)} % of ${dose.samples} samples`,
      dose,
    };
  };
  return { proved: true, proof: `${fault.threads} threads burn CPU`, end };
}
