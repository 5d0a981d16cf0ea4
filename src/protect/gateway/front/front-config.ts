// The part of the configuration that says what the front of the data plane lets in.
import { z } from 'zod';
import { isNetwork } from '../source-network.ts';
import { wafSchema } from '../waf/waf-config.ts';

const milliseconds = z.number().int().min(1).max(3_600_000);

/** Fields of `gateway` in the configuration. */
export const frontFields = {
  /** Host names that requests may name beside this machine's own: against DNS rebinding. */
  hosts: z
    .array(z.string().regex(/^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?)$/i, 'access.issue.host'))
    .default([]),
  /** Origins of pages that may call the gateway from a browser, e.g. https://chat.example.org; by default none. */
  origins: z.array(z.string().regex(/^https?:\/\/[^\s/?#@*]+$/i, 'access.issue.origin')).default([]),
  /** Proxies in front whose word on the source is believed: addresses and networks. */
  trustedProxies: z.array(z.string().refine(isNetwork, 'access.issue.network')).default([]),
  forwardedHeader: z.enum(['x-forwarded-for', 'forwarded']).default('x-forwarded-for'),
  server: z
    .strictObject({
      /** From the first byte of a request to the end of its headers. */
      headersMs: milliseconds.default(10_000),
      /** … and to the end of its body. */
      requestMs: milliseconds.default(60_000),
      /** A connection on which nothing moves for so long is closed. */
      idleMs: milliseconds.default(180_000),
      checkEveryMs: milliseconds.default(2_000),
      connections: z.number().int().min(1).max(1_000_000).default(4_000),
      /** Of one network; those of trusted proxies are not counted. */
      connectionsPerSource: z.number().int().min(1).max(1_000_000).default(1_500),
      headerBytes: z.number().int().min(1_024).max(1_048_576).default(16_384),
      headers: z.number().int().min(8).max(2_000).default(100),
    })
    .prefault({}),
  waf: wafSchema.prefault({}),
};

const fields = z.object(frontFields);
export type FrontSettings = z.output<typeof fields>;
export const defaultFront: FrontSettings = fields.parse({});
