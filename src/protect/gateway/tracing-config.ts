// The section `tracing` of the configuration: where spans go, of how many requests, and whose trace context is believed.
import { z } from 'zod';
import { isNetwork } from './source-network.ts';

const secret = z.string().regex(/^(env|file):.+/, 'issue.secret');

export const tracingSchema = z.strictObject({
  /** Of an OTLP collector; without a path /v1/traces is added. Without it nothing is traced. */
  url: z.string().min(1).optional(),
  /** Values are secrets, such as authorization: env:NAME. */
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), secret).default({}),
  timeoutMs: z.number().int().min(100).max(60_000).default(10_000),
  /** Share of the requests that are traced, where no trusted caller has decided it. */
  ratio: z.number().min(0).max(1).default(1),
  /** service.name of the spans. */
  service: z.string().min(1).max(100).default('rempart'),
  /** Whose `traceparent` is believed; by default nobody's. */
  accept: z
    .strictObject({
      /** Holders of keys and tokens. */
      subjects: z.array(z.string().min(1)).default([]),
      /** Addresses and networks that requests come from. */
      networks: z.array(z.string().refine(isNetwork, 'access.issue.network')).default([]),
    })
    .prefault({}),
  /** Names of the providers that are sent a `traceparent`; by default none. */
  propagateTo: z.array(z.string().min(1)).default([]),
});

export type TracingSettings = z.output<typeof tracingSchema>;

/** What only shows once everything is resolved: the path of the mistake, and the key of the sentence. */
export function tracingIssue(
  { url, propagateTo }: TracingSettings,
  providers: readonly string[],
): { path: string; key: TracingIssueKey; facts?: { name: string } } | undefined {
  if (url !== undefined) {
    const parsed = URL.parse(url);
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol))
      return { path: 'tracing.url', key: 'issue.url' };
    if (parsed.username !== '' || parsed.password !== '') return { path: 'tracing.url', key: 'issue.url.credentials' };
  }
  for (const [index, name] of propagateTo.entries())
    if (!providers.includes(name))
      return { path: `tracing.propagateTo.${index}`, key: 'tracing.issue.provider', facts: { name } };
  return undefined;
}

type TracingIssueKey = 'issue.url' | 'issue.url.credentials' | 'tracing.issue.provider';
