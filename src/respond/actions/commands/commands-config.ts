// What the configuration says of the commands of playbooks: where they may go, for how long, and which secrets they may use.
import { z } from 'zod';

export const commandsSchema = z.strictObject({
  /** What the addresses of http-api commands begin with, e.g. `https://api.example.com/v1/`. None: none is called. */
  urls: z.array(z.url({ protocol: /^https?$/ })).default([]),
  /** Of one command. */
  timeoutSeconds: z.number().positive().max(86_400).default(300),
  /** Names of environment variables that commands on this machine get; they get no others. */
  environment: z.array(z.string().regex(/^[A-Za-z_]\w*$/)).default([]),
  /** A known_hosts file of ssh; default: the user's own. */
  knownHosts: z.string().optional(),
});
export type CommandsConfig = z.output<typeof commandsSchema>;

/** By the id that a playbook's login calls it: the secret itself (`env:NAME`, `file:PATH`), or the file of a private key for ssh. */
export const secretsSchema = z.record(
  z.string().regex(/^[\w.-]{1,64}$/),
  z.union([z.string().regex(/^(env|file):.+/, 'issue.secret'), z.strictObject({ file: z.string().min(1) })]),
);
