// The deployment profile: what is protected, as respond and posture need to know it. YAML that a user writes.
import { z } from 'zod';

const name = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/);
const cidr = z.string().regex(/^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-fA-F:]+\/\d{1,3})$/);
const portNumber = z.int().min(1).max(65535);
const duration = z.string().regex(/^\d+(ms|s|m|h|d)$/);
const httpUrl = z.url({ protocol: /^https?$/ });

export const deploymentZones = ['public', 'dmz', 'private', 'management'] as const;
export type DeploymentZone = (typeof deploymentZones)[number];

/** How a service runs in a container; what `posture harden` writes its compose file from. */
const run = z.strictObject({
  /** With a tag, and its digest where it is known. */
  image: z.string().optional(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  user: z.string().default('10001:10001'),
  /** Published on the host; 127.0.0.1 unless an address is named. */
  publish: z
    .array(z.strictObject({ address: z.string().default('127.0.0.1'), host: portNumber, container: portNumber }))
    .default([]),
  environment: z.record(z.string(), z.string()).default({}),
  /** Names of secrets; each is a file under ./secrets. */
  secrets: z.array(name).default([]),
  /** Named volumes and files, `source:target[:ro]`. */
  volumes: z.array(z.string()).default([]),
  /** Directories in memory that it writes to. */
  writable: z.array(z.string()).default(['/tmp']),
  capabilities: z.array(z.string()).default([]),
  memory: z.string().default('512m'),
  cpus: z.number().positive().default(1),
  pids: z.int().positive().default(200),
  health: z.array(z.string()).min(1),
  devices: z.array(z.string()).default([]),
});

const service = z.strictObject({
  name,
  /** What the container engine or systemd calls it. */
  container: z.string().optional(),
  unit: z.string().optional(),
  role: z.enum(['monitoring', 'core', 'model', 'gateway', 'data', 'frontend']),
  /** Started in ascending order; the model last. */
  order: z.int().min(0),
  /** Waited after its start, before the next. */
  pause: duration.default('0s'),
  health: z.strictObject({ url: httpUrl, within: duration.default('60s') }).optional(),
  zones: z.array(z.enum(deploymentZones)).default([]),
  run: run.optional(),
});

const state = z.strictObject({
  name,
  path: z.string(),
  format: z.enum(['json', 'toml', 'yaml', 'sqlite', 'text', 'directory']),
  /**
   * A JSON Schema beside the profile, asked about the document; of text about the text, of a database about
   * `{tables: {NAME: {columns, rows}}}`, of a folder about `{files: {PATH: {bytes}}}`.
   */
  schema: z.string().optional(),
  /**
   * What is written when no valid backup exists, laid over an ordinary decision. For text `{text}`, for a database
   * `{sql}`, for a folder its files and their text.
   */
  minimal: z.record(z.string(), z.unknown()).optional(),
  /** The service that is restarted with it. */
  owner: name.optional(),
  /** Folder of its backups; default: in Rempart's data directory. */
  backups: z.string().optional(),
});

const contact = z.strictObject({
  name: z.string(),
  role: z.enum(['devops', 'ai-lead', 'infrastructure', 'security', 'management']),
  /** Told from this escalation level on. */
  from: z.enum(['info', 'warning', 'critical', 'emergency']).default('warning'),
  /** Only for these incident types; none: for all. */
  types: z.array(z.string()).default([]),
  mail: z.email().optional(),
  slack: z.string().optional(),
  webhook: httpUrl.optional(),
  phone: z.string().optional(),
});

const zone = z.strictObject({
  cidr: z.array(cidr).min(1),
  /** No way out of it. */
  internal: z.boolean(),
});

const zoneDefaults = {
  public: { cidr: ['172.18.0.0/16'], internal: false },
  dmz: { cidr: ['172.19.0.0/16'], internal: false },
  private: { cidr: ['172.20.0.0/16'], internal: true },
  management: { cidr: ['172.21.0.0/16'], internal: true },
};

export const deploymentSchema = z.strictObject({
  name,
  language: z.enum(['fr', 'en']).default('en'),
  compose: z.string().optional(),
  services: z.array(service).min(1),
  states: z.array(state).default([]),
  models: z
    .array(
      z.strictObject({
        kind: z.literal('ollama'),
        store: z.string(),
        backup: z.string().optional(),
        api: httpUrl.optional(),
        /** Runs on the host itself, beside the containers. */
        host: z.boolean().default(false),
        port: portNumber.default(11434),
      }),
    )
    .default([]),
  logs: z.array(z.string()).default([]),
  metrics: z.array(httpUrl).default([]),
  zones: z
    .strictObject({
      public: zone.default(zoneDefaults.public),
      dmz: zone.default(zoneDefaults.dmz),
      private: zone.default(zoneDefaults.private),
      management: zone.default(zoneDefaults.management),
    })
    .default(zoneDefaults),
  /** Which zone may open a connection to which; its own it always may. `host` is the machine, `internet` all else. */
  allowed: z
    .array(
      z.strictObject({
        from: z.enum([...deploymentZones, 'host', 'internet']),
        to: z.enum([...deploymentZones, 'host', 'internet']),
        /** None: every port. */
        ports: z.array(portNumber).default([]),
      }),
    )
    .default([
      { from: 'internet', to: 'public', ports: [] },
      { from: 'public', to: 'dmz', ports: [] },
      { from: 'dmz', to: 'private', ports: [] },
      { from: 'dmz', to: 'internet', ports: [443] },
      { from: 'management', to: 'dmz', ports: [] },
      { from: 'management', to: 'private', ports: [] },
      { from: 'private', to: 'host', ports: [11434] },
    ]),
  contacts: z.array(contact).default([]),
});

export type Deployment = z.output<typeof deploymentSchema>;
export type DeploymentService = Deployment['services'][number];
