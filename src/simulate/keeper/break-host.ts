// Faults on what the target lives on: processor and memory.
import type { Fault } from '../faults/fault.ts';
import { burnCpu } from '../faults/resource/cpu.ts';
import { fillMemory } from '../faults/resource/memory.ts';
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

export async function crowd(fault: Extract<Fault, { type: 'memory' }>, parts: BeginParts): Promise<Begun> {
  const { budgetBytes, share } = fault;
  const filling = fillMemory({ budgetBytes, share, deadlineMs: parts.leaseMs, cgroup: parts.target.cgroup() });
  if (filling === null)
    return {
      impossible: 'the target alone holds more than that share of the budget, or the machine has too little free',
    };
  const undone = logChild(filling.child, 'memory ballast', parts);
  const end = async () => {
    const dose = filling.dose();
    const proved = filling.reached();
    await filling.stop();
    undone();
    const proof = `${Math.round(dose.share * 100)} % of ${Math.round(budgetBytes / 1024 ** 2)} MiB resident, ${dose.where}`;
    return { t: parts.now(), proved, proof, dose };
  };
  return { proved: true, proof: 'ballast grows', end };
}
