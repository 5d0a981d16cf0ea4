// What the configuration says of cutting this machine off: how people still get in, and what is still reached from here.
import { isIP } from 'node:net';
import { z } from 'zod';

const port = z.int().min(1).max(65_535);

export const isolationSchema = z.strictObject({
  /** Where sshd listens. */
  sshPorts: z.array(port).min(1).max(16).default([22]),
  /** Addresses, not names: to resolve one something else would have to be reached first. */
  keep: z
    .array(z.strictObject({ address: z.string().refine((text) => isIP(text) !== 0), port }))
    .max(64)
    .default([]),
});
