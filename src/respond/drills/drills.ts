// The drills there are, by the type of incident that each causes.
import type { Drill } from './drill.ts';
import { promptInjection } from './types/prompt-injection.ts';

export const drills: readonly Drill[] = [promptInjection];

export function findDrill(type: string): Drill | undefined {
  return drills.find((drill) => drill.type === type);
}
