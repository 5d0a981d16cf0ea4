// In what an answer is not as usual: its provider's quota runs low, or another provider stood in.
import type { DegradedMode } from './ask.ts';
import type { Provider } from './route.ts';

export function degradedOf({ foresight }: Pick<Provider, 'foresight'>, isFallback: boolean): DegradedMode[] {
  const stage = foresight?.stage() ?? 'usual';
  const modes: DegradedMode[] = stage === 'usual' ? [] : [stage];
  return isFallback ? [...modes, 'provider'] : modes;
}
