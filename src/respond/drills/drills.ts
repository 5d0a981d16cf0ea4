// The drills there are, by the type of incident that each causes.
import type { Drill } from './drill.ts';
import { containerEscape } from './types/container-escape.ts';
import { configurationDrift, llmPoisoning, logInjection, stateCorruption } from './types/files.ts';
import { denialOfService, suspiciousPatterns, unauthorisedAccess } from './types/gateway-attacks.ts';
import { promptInjection } from './types/prompt-injection.ts';
import { networkCut, providerKeyCompromised, providerUnavailable, quotaExhausted } from './types/provider-failures.ts';
import { databaseDown, hostOverload, memoryExhaustion, performanceAnomaly } from './types/resources.ts';

export const drills: readonly Drill[] = [
  containerEscape,
  llmPoisoning,
  stateCorruption,
  promptInjection,
  providerKeyCompromised,
  denialOfService,
  memoryExhaustion,
  logInjection,
  unauthorisedAccess,
  performanceAnomaly,
  configurationDrift,
  suspiciousPatterns,
  providerUnavailable,
  networkCut,
  databaseDown,
  quotaExhausted,
  hostOverload,
];

export function findDrill(type: string): Drill | undefined {
  return drills.find((drill) => drill.type === type);
}
