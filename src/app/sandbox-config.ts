// What the instance of a sandbox is configured with, and the deployment profile of what it protects: nothing outside it is named.
import type { DrillContainers } from '../respond/drills/drill-containers.ts';
import type { SandboxFiles } from '../respond/drills/sandbox-files.ts';

export interface SandboxMade {
  files: SandboxFiles;
  provider: { url: string };
  notices: { url: string };
  containers: DrillContainers;
  /** Seconds between two looks at what containers use. */
  usageSeconds: number;
}

const roles: Readonly<Record<string, string>> = {
  'drill-monitor': 'monitoring',
  'drill-core': 'core',
  'drill-model': 'model',
};

export function sandboxDeployment({ files, notices, containers }: SandboxMade) {
  return {
    name: 'drill',
    services: containers.names.map((name, order) => ({
      name,
      container: name,
      role: roles[name] ?? 'core',
      order,
      health: { url: `${containers.urls[name] ?? ''}/health`, within: '10s' },
    })),
    states: [
      {
        name: 'modules',
        path: files.json,
        format: 'json',
        schema: files.json.replace(/\.json$/, '.schema.json'),
        minimal: { version: 1, modules: {} },
        owner: 'drill-core',
      },
      { name: 'settings', path: files.toml, format: 'toml', minimal: { level: 'calm' }, owner: 'drill-core' },
    ],
    models: [{ kind: 'ollama', store: files.models, backup: files.modelsCopy }],
    logs: [files.log],
    contacts: ['devops', 'ai-lead', 'infrastructure', 'security', 'management'].map((role) => ({
      ...{ name: `drill-${role}`, role, from: 'info', webhook: notices.url },
    })),
  };
}

export function sandboxConfig({
  files,
  provider,
  containers,
  usageSeconds,
  deployment,
}: SandboxMade & { deployment: string }) {
  return {
    log: 'info',
    gateway: {
      host: '127.0.0.1',
      port: 0,
      retries: { max: 1, baseMs: 20, maxWaitMs: 200, rideOutMs: 0 },
      timeouts: { connectMs: 500, firstByteMs: 5_000, idleMs: 5_000, totalMs: 10_000 },
    },
    console: { host: '127.0.0.1', port: 0 },
    providers: [
      { name: 'drill', dialect: 'openai', url: provider.url, key: 'env:DRILL_KEY', spareKeys: ['env:DRILL_SPARE_KEY'] },
    ],
    chatbot: { model: 'drill-model' },
    models: { store: files.models, every: 1, providers: [] },
    deployment,
    posture: { every: 60, engine: containers.socket },
    // Enough for what is usual; a flood is above it, and what remains of it in an incident is below a flood.
    limits: {
      rules: [{ per: 'user', every: 'hour', requests: 300 }],
      sources: { requests: 20_000, every: 'minute' },
    },
    respond: {
      actions: { enabled: ['*'], perWindow: { contain: 100, restore: 100, destroy: 20 } },
      notify: { webhook: { secret: 'env:DRILL_NOTICE_SECRET' } },
      // A small deployment: what is a flood for it is little.
      detectors: { containers: { everySeconds: usageSeconds }, runtime: { floodPerSecond: 1 } },
      drills: { schedule: 'off' },
    },
  };
}
