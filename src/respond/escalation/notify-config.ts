// The section `respond.notify` of the configuration: how people are told. Addresses of people stand in the deployment profile.
import { z } from 'zod';

const secret = z.string().regex(/^(env|file):.+/, 'issue.secret');
const timeoutMs = z.number().int().min(100).max(300_000).default(30_000);

const smtp = z
  .strictObject({
    host: z.string().min(1),
    port: z.number().int().min(1).max(65_535).default(587),
    /** `starttls` refuses to go on in the clear; `none` is for a relay on this machine. */
    tls: z.enum(['starttls', 'implicit', 'none']).default('starttls'),
    /** Certificates to trust (PEM), as file:PATH. */
    ca: secret.optional(),
    user: secret.optional(),
    password: secret.optional(),
    from: z.email(),
    timeoutMs,
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), 'escalation.issue.password')
  // A password in the clear would be everybody's.
  .refine(({ tls, password }) => tls !== 'none' || password === undefined, 'escalation.issue.clear');

export const notifySchema = z.strictObject({
  smtp: smtp.optional(),
  /** Signs what goes to the contacts' webhooks (Standard Webhooks: HMAC-SHA256). */
  webhook: z.strictObject({ secret, timeoutMs }).optional(),
  /** Addresses of incoming webhooks by what contacts name, e.g. `'#security': env:SLACK_SECURITY`; `*` for all others. */
  slack: z.strictObject({ to: z.record(z.string(), secret), timeoutMs }).optional(),
  /** What calls a number; without it the number is shown and people call. */
  phone: z.strictObject({ webhook: secret, secret, timeoutMs }).optional(),
  /** A matrix of one's own instead of the one that is shipped. */
  matrix: z.string().optional(),
  /** Hours after which a message that cannot be delivered is given up, and told of. */
  giveUpHours: z.number().min(0.01).max(720).default(72),
});

export type NotifySettings = z.output<typeof notifySchema>;
