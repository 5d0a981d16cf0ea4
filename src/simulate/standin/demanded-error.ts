// Errors on demand, for the tests of clients: the model's name says which.
import type { Dialect } from '../../platform/wire/dialect.ts';
import {
  kindOfStatus,
  type ProviderAnswer,
  plainRateLimit,
  providerErrorBody,
} from '../../platform/wire/provider-error-bodies.ts';

/**
 * `standin-error-STATUS` gives that status (400–599) in the dialect's own body, `standin-error-429-quota` an exhausted
 * quota, `standin-error-429-plain` a 429 that belongs to no provider. Undefined for any other name.
 */
export function demandedError(dialect: Dialect, model: string): ProviderAnswer | undefined {
  const asked = /^standin-error-([45]\d\d)(?:-(quota|plain))?$/.exec(model);
  if (asked === null) return undefined;
  const status = Number(asked[1]);
  if (status === 429 && asked[2] === 'plain') return plainRateLimit();
  const kind = asked[2] === 'quota' ? 'quota-exhausted' : kindOfStatus(status);
  const retryAfterSeconds = kind === 'rate-limited' ? 1 : undefined;
  return providerErrorBody(dialect, kind, { status, model, retryAfterSeconds });
}
