// A field of our own beside a usage that no provider told: no dialect has a word for an estimate.
import type { JsonObject } from '../../../platform/base/json.ts';

export function markOf(estimated: boolean | undefined): JsonObject {
  return estimated === true ? { rempart_estimated: true } : {};
}
