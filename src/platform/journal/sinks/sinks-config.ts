// The section `sinks` of the configuration: where copies of the journal go.
import { z } from 'zod';

const secret = z.string().regex(/^(env|file):.+/, 'issue.secret');
const url = z.string().min(1);
/** It names a file in the data directory and a label of the metrics. */
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'sinks.name')
  .refine((given) => given !== 'search', 'sinks.name.search');
const timeoutMs = z.number().int().min(100).max(300_000).default(10_000);

const elasticsearch = z.strictObject({
  name,
  kind: z.literal('elasticsearch'),
  url,
  /** Indices are PREFIX-YYYY.MM. */
  prefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,100}$/, 'sinks.prefix')
    .default('rempart-audit'),
  apiKey: secret.optional(),
  username: z.string().optional(),
  password: secret.optional(),
  /** Certificates to trust (PEM), as file:PATH. */
  ca: secret.optional(),
  timeoutMs,
});

const syslog = z.strictObject({
  name,
  kind: z.literal('syslog'),
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535).optional(),
  transport: z.enum(['tls', 'tcp', 'udp']).default('tls'),
  /** RFC 5424 §6.2.1; 13 is "log audit". */
  facility: z.number().int().min(0).max(23).default(13),
  appName: z
    .string()
    .regex(/^[\x21-\x7e]{1,48}$/, 'sinks.app-name')
    .default('rempart'),
  ca: secret.optional(),
  timeoutMs,
});

const otlp = z.strictObject({
  name,
  kind: z.literal('otlp'),
  /** Of the collector; without a path /v1/logs is added. */
  url,
  /** Values are secrets, such as authorization: env:NAME. */
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), secret).default({}),
  timeoutMs,
});

const webhook = z.strictObject({
  name,
  kind: z.literal('webhook'),
  url,
  /** Signs each delivery by HMAC-SHA256. */
  secret,
  timeoutMs,
});

const target = z.discriminatedUnion('kind', [elasticsearch, syslog, otlp, webhook]);

export const sinksSchema = z.strictObject({
  /** The index that `journal search` reads. */
  search: z.boolean().default(true),
  to: z.array(target).default([]),
});

export type SinksSettings = z.output<typeof sinksSchema>;
export type SinkSettings = SinksSettings['to'][number];

/** What only shows once the whole list is known: the path of the mistake, and the key of the sentence. */
export function sinksIssue({
  to,
}: SinksSettings): { path: string; key: SinksIssueKey; facts?: { name: string } } | undefined {
  const names = new Set<string>();
  for (const [index, sink] of to.entries()) {
    if (names.has(sink.name)) return { path: `sinks.to.${index}.name`, key: 'sinks.twice', facts: { name: sink.name } };
    names.add(sink.name);
    if (sink.kind === 'syslog') continue;
    const parsed = URL.parse(sink.url);
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol))
      return { path: `sinks.to.${index}.url`, key: 'issue.url' };
    if (parsed.username !== '' || parsed.password !== '')
      return { path: `sinks.to.${index}.url`, key: 'issue.url.credentials' };
    if (sink.kind === 'elasticsearch' && (sink.username === undefined) !== (sink.password === undefined))
      return { path: `sinks.to.${index}`, key: 'sinks.password' };
  }
  return undefined;
}

type SinksIssueKey = 'sinks.twice' | 'sinks.password' | 'issue.url' | 'issue.url.credentials';
