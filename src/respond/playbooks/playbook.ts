// A CACAO v2.0 playbook as the engine reads it (OASIS CACAO Security Playbooks v2.0, Committee Specification 01).
import { z } from 'zod';

const uuid = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}';
/** `object-type--UUID`, section 10.10. */
export const identifierPattern = new RegExp(`^[a-z][a-z0-9-]+[a-z0-9]--${uuid}$`);
const identifier = z.string().regex(identifierPattern);
const timestamp = z.iso.datetime();

export const variableTypes = [
  'bool',
  'dictionary',
  'float',
  'hexstring',
  'integer',
  'ipv4-addr',
  'ipv6-addr',
  'long',
  'mac-addr',
  'hash',
  'md5-hash',
  'sha256-hash',
  'string',
  'uri',
  'uuid',
] as const;
export type VariableType = (typeof variableTypes)[number];

export const variableNamePattern = /^__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__$/;
const variables = z.record(
  z.string(),
  z.looseObject({
    type: z.enum(variableTypes),
    description: z.string().optional(),
    value: z.string().nullish(),
    constant: z.boolean().default(false),
    external: z.boolean().default(false),
  }),
);

const command = z.looseObject({
  type: z.string(),
  description: z.string().optional(),
  playbook_activity: z.string().optional(),
  command: z.string().optional(),
  command_b64: z.string().optional(),
  headers: z.record(z.string(), z.array(z.string())).optional(),
  content: z.string().optional(),
  content_b64: z.string().optional(),
});

const common = {
  name: z.string().optional(),
  description: z.string().optional(),
  delay: z.int().min(0).optional(),
  timeout: z.int().min(0).optional(),
  step_variables: variables.default({}),
  owner: z.string().optional(),
  on_completion: z.string().optional(),
  on_success: z.string().optional(),
  on_failure: z.string().optional(),
  step_extensions: z.record(z.string(), z.looseObject({})).default({}),
};
const args = { in_args: z.array(z.string()).default([]), out_args: z.array(z.string()).default([]) };

const step = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('start'), ...common }),
  z.looseObject({ type: z.literal('end'), ...common }),
  z.looseObject({
    type: z.literal('action'),
    ...common,
    ...args,
    commands: z.array(command).min(1),
    agent: z.string(),
    targets: z.array(z.string()).default([]),
  }),
  z.looseObject({
    type: z.literal('playbook-action'),
    ...common,
    ...args,
    playbook_id: z.string(),
    playbook_version: z.string().optional(),
  }),
  z.looseObject({ type: z.literal('parallel'), ...common, next_steps: z.array(z.string()).min(2) }),
  z.looseObject({
    type: z.literal('if-condition'),
    ...common,
    condition: z.string(),
    on_true: z.string(),
    on_false: z.string().optional(),
  }),
  z.looseObject({ type: z.literal('while-condition'), ...common, condition: z.string(), on_true: z.string() }),
  z.looseObject({
    type: z.literal('switch-condition'),
    ...common,
    switch: z.string(),
    cases: z.record(z.string(), z.string()),
  }),
]);

const agentTarget = z.looseObject({
  type: z.string(),
  name: z.string(),
  description: z.string().optional(),
  address: z.record(z.string(), z.array(z.string())).optional(),
  port: z.string().optional(),
  authentication_info: z.string().optional(),
});

export const playbookSchema = z.looseObject({
  type: z.literal('playbook'),
  spec_version: z.literal('cacao-2.0'),
  id: identifier,
  name: z.string(),
  description: z.string().optional(),
  playbook_types: z.array(z.string()).default([]),
  playbook_activities: z.array(z.string()).default([]),
  created_by: identifier,
  created: timestamp,
  modified: timestamp,
  revoked: z.boolean().default(false),
  valid_from: timestamp.optional(),
  valid_until: timestamp.optional(),
  /** 1 is the highest, 100 the lowest; 0 is undefined. */
  priority: z.int().min(0).max(100).optional(),
  severity: z.int().min(0).max(100).optional(),
  /** What running it may do, 0 to 100. */
  impact: z.int().min(0).max(100).optional(),
  labels: z.array(z.string()).default([]),
  markings: z.array(z.string()).default([]),
  playbook_variables: variables.default({}),
  workflow_start: z.string(),
  workflow_exception: z.string().optional(),
  workflow: z.record(z.string(), step),
  agent_definitions: z.record(z.string(), agentTarget).default({}),
  target_definitions: z.record(z.string(), agentTarget).default({}),
  authentication_info_definitions: z.record(z.string(), z.looseObject({ type: z.string() })).default({}),
  extension_definitions: z.record(z.string(), z.looseObject({ name: z.string() })).default({}),
  data_marking_definitions: z.record(z.string(), z.looseObject({ type: z.string() })).default({}),
});

export type Playbook = z.output<typeof playbookSchema>;
export type Step = Playbook['workflow'][string];
export type StepOf<Type extends Step['type']> = Extract<Step, { type: Type }>;
export type Command = StepOf<'action'>['commands'][number];
export type AgentTarget = Playbook['agent_definitions'][string];
export type Variables = Playbook['playbook_variables'];

/** Where our own typed actions stand in a step: other engines see the `manual` command beside it. */
export const actionExtension = 'extension-definition--6b0d4f3c-6f53-4f0e-9a1e-2c4d7f1b8a55';

/** Not an action but the end of one: `{ "step": NAME }` puts back what an earlier step of the same run did. */
export const undoStep = 'step.undo';

/** What a step carries under `actionExtension`. */
export const actionExtensionSchema = z.strictObject({
  /** Name of a typed action, e.g. `containers.kill`. */
  action: z.string(),
  /** Its arguments; texts may refer to variables as `__name__:value`. */
  args: z.record(z.string(), z.unknown()).default({}),
  /** Asked of people before it acts. */
  approval: z
    .strictObject({
      quorum: z.int().min(1).max(5).default(1),
      /** Milliseconds until the question is over. */
      ttl: z.int().min(1_000).default(900_000),
      on_timeout: z.enum(['deny', 'proceed']).default('deny'),
    })
    .optional(),
  /** Milliseconds after which what it did is undone by itself, unless it is renewed. */
  undo_after: z.int().min(1_000).optional(),
  /** Undone when a later step fails for good. */
  compensate: z.boolean().default(false),
  /** At most so many things may be touched; more is refused before anything is. */
  max_targets: z.int().min(1).optional(),
});
export type ActionExtension = z.output<typeof actionExtensionSchema>;
