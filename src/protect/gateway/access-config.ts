// The part of the configuration that says who may come in: keys, tokens, and what happens to who guesses.
import { z } from 'zod';
import { isSubject } from '../../platform/base/subject.ts';
import { isScope } from './scopes.ts';
import { tokenIssuerSchema, tokenIssues } from './tokens/token-settings.ts';

const secret = z.string().regex(/^(env|file):.+/, 'issue.secret');
/** It is printed in lists and in the journal: nothing in it may forge a row. */
const subject = z.string().refine(isSubject, 'issue.subject');
const patterns = z.array(z.string().refine(isScope, 'access.issue.scope')).optional();

export const accessSchema = z.strictObject({
  /** Keys that exist before the first start, for tests and automation. */
  keys: z
    .array(
      z.strictObject({
        key: secret,
        subject,
        role: z.enum(['user', 'viewer', 'operator', 'admin']).default('user'),
        /** Names and patterns such as mistral-*; nothing given: all. */
        models: patterns,
        /** Addresses such as /v1/* or "POST /chat"; nothing given: all. */
        routes: patterns,
      }),
    )
    .default([]),
  /** Issuers whose access tokens (JWT) are accepted beside keys. */
  tokens: z.array(tokenIssuerSchema).default([]),
  guesses: z
    .strictObject({
      /** Wrong credentials with one beginning from one network before both together are locked out. */
      failures: z.number().int().min(1).max(100_000).default(10),
      /** Wrong credentials of any kind from one network before it is locked out. */
      sourceFailures: z.number().int().min(1).max(1_000_000).default(60),
      windowSeconds: z.number().int().min(1).max(86_400).default(600),
      lockSeconds: z.number().int().min(1).max(86_400).default(900),
      /** From the fourth failure on the refusal waits so long, twice as long each time. */
      delayMs: z.number().int().min(0).max(10_000).default(50),
      maxDelayMs: z.number().int().min(0).max(30_000).default(2_000),
      /** Refusals that wait at once. */
      maxDelayed: z.number().int().min(0).max(10_000).default(256),
    })
    .prefault({}),
});

export type AccessSettings = z.output<typeof accessSchema>;

/** What only shows once `env:` and `file:` are resolved. */
export const accessIssues = ({ tokens }: AccessSettings) => tokenIssues(tokens);

/** The keys of the configuration as the gateway takes them. */
export function givenKeys({ keys }: AccessSettings) {
  return keys.map(({ models, routes, ...key }) => ({
    ...key,
    scopes: { ...(models === undefined ? {} : { models }), ...(routes === undefined ? {} : { routes }) },
  }));
}
