// What the configuration says of respond: incident types and playbooks of one's own, and what actions may do.
import { z } from 'zod';
import { commandsSchema, secretsSchema } from './actions/commands/commands-config.ts';
import { isolationSchema } from './actions/network/isolation-config.ts';
import { detectorsSchema } from './detectors/detectors-config.ts';
import { drillsSettingsSchema } from './drills/drills-config.ts';
import { notifySchema } from './escalation/notify-config.ts';
import { kpiTargetsSchema } from './review/kpi-config.ts';
import { rollbackSchema } from './rollback/rollback-config.ts';

const actionClass = z.enum(['contain', 'restore', 'destroy']);

export const respondSchema = z.strictObject({
  /** false: nothing is watched, and no incident is opened by itself. */
  enabled: z.boolean().default(true),
  /** Folders with incident types of one's own. */
  taxonomy: z.array(z.string()).default([]),
  /** A folder with playbooks of one's own. */
  playbooks: z.string().optional(),
  actions: z
    .strictObject({
      /** Names of actions that may change something; `containers.*` stands for all that begin so. */
      enabled: z.array(z.string().regex(/^[a-z][a-z0-9.-]*\*?$|^\*$/)).default([]),
      /** Never touched: names of services, models, states, keys. */
      protected: z.array(z.string()).default([]),
      /** Things that one step may touch. */
      maxTargets: z.int().min(1).max(1_000).default(20),
      /** Actions of a class within the window; more are asked of people. */
      perWindow: z
        .strictObject({
          contain: z.int().min(0).default(20),
          restore: z.int().min(0).default(20),
          destroy: z.int().min(0).default(5),
        })
        .prefault({}),
      windowSeconds: z.int().min(1).max(86_400).default(600),
      /** Classes that are asked of people each time. */
      askFirst: z.array(actionClass).default(['destroy']),
      approval: z
        .strictObject({
          quorum: z.int().min(1).max(5).default(1),
          minutes: z.number().min(0.1).max(10_080).default(15),
          onTimeout: z.enum(['deny', 'proceed']).default('deny'),
        })
        .prefault({}),
    })
    .prefault({}),
  /** true: network.isolate loads the rules it writes; false: it only shows them. */
  firewall: z.boolean().default(false),
  isolation: isolationSchema.prefault({}),
  commands: commandsSchema.prefault({}),
  /** For the logins of commands in playbooks, by the id that they call them. */
  secrets: secretsSchema.default({}),
  detectors: detectorsSchema.prefault({}),
  /** Backups of the deployment profile's states. */
  rollback: rollbackSchema.prefault({}),
  notify: notifySchema.prefault({}),
  kpi: kpiTargetsSchema.prefault({}),
  drills: drillsSettingsSchema.prefault({}),
});

export type RespondConfig = z.output<typeof respondSchema>;
