// A sandbox for a drill: a whole Rempart of its own on a temporary directory, with all that it protects made for the purpose.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApp } from '../app.ts';
import { loadConfig } from '../config.ts';
import { callControl } from '../platform/base/control-socket.ts';
import type { Json } from '../platform/base/json.ts';
import { createLog } from '../platform/base/log.ts';
import { openLogFile } from '../platform/base/log-file.ts';
import type { Incident } from '../platform/documents/incident.ts';
import type { Lang } from '../platform/i18n/say.ts';
import { verifyJournal } from '../platform/journal/verify.ts';
import { openStore, type Store } from '../platform/store/store.ts';
import { takeBaseline } from '../protect/posture/baseline/baseline.ts';
import { trustModels } from '../protect/posture/models/trust.ts';
import { listFiles } from '../protect/posture/models/trusted-list.ts';
import type { Sandbox } from '../respond/drills/drill.ts';
import type { DrillContainers } from '../respond/drills/drill-containers.ts';
import { type DrillNotices, startDrillNotices } from '../respond/drills/drill-notices.ts';
import { type DrillProvider, startDrillProvider } from '../respond/drills/drill-provider.ts';
import { officer } from '../respond/drills/officer.ts';
import { type SandboxFiles, writeSandboxFiles } from '../respond/drills/sandbox-files.ts';
import type { Actions } from '../respond/engine/action.ts';
import { createRunLog } from '../respond/engine/run-log.ts';
import { createTasks } from '../respond/engine/tasks.ts';
import type { AppOptions, AtEnd } from './options.ts';
import type { Respond } from './respond.ts';
import { sandboxConfig, sandboxDeployment } from './sandbox-config.ts';

export interface SandboxParts {
  /** Empty, and short: sockets lie in it. */
  dir: string;
  lang: Lang;
  startContainers(at: { dir: string; names: readonly string[] }): Promise<DrillContainers>;
  usageSeconds: number;
  /** Lets a test put another action in the place of one. */
  respondWith?: AppOptions['respondWith'];
  /** Lets a test configure the instance otherwise. */
  configured?: (config: object) => object;
  signal: AbortSignal;
}

const containerNames = ['drill-monitor', 'drill-core', 'drill-model'] as const;

/** What was started is ended again when a later part cannot start. */
export async function openSandbox(parts: SandboxParts): Promise<Sandbox & { end(): Promise<void> }> {
  const closers: (() => Promise<void>)[] = [];
  const end = async () => {
    for (let one = closers.pop(); one !== undefined; one = closers.pop()) await one();
  };
  const atEnd: AtEnd = (one) => void closers.push(one);
  try {
    return { ...(await open(parts, atEnd)), end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function open(parts: SandboxParts, atEnd: AtEnd): Promise<Sandbox> {
  const { dir, signal } = parts;
  const data = join(dir, 'data');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const files = writeSandboxFiles(dir);
  const [provider, notices, containers] = await Promise.all([
    startDrillProvider(),
    startDrillNotices(),
    parts.startContainers({ dir, names: containerNames }),
  ]);
  for (const one of [provider, notices, containers]) atEnd(() => one.close());
  const { config, configFile, providerKeys } = await writeConfiguration(parts, data, {
    files,
    provider,
    notices,
    containers,
  });

  let respond: Respond | undefined;
  const app = await startApp({
    config,
    data,
    configFile,
    lang: parts.lang,
    openLog: () => createLog('info', openLogFile(join(dir, 'rempart.log'))),
    signal,
    onRespond: (opened) => {
      respond = opened;
    },
    ...(parts.respondWith === undefined ? {} : { respondWith: parts.respondWith }),
  });
  atEnd(() => app.close());
  if (respond === undefined) throw new Error('the instance of the sandbox has no respond');
  const { actions } = respond as Respond;
  // A connection of the drill's own: what it reads there is on disk, whatever the instance says.
  const store = await openStore({ path: join(data, 'store.sqlite') });
  atEnd(() => store.close());
  const key = async (subject: string) => {
    const made = (await callControl(data, 'keys.create', { subject, role: 'user' })) as { key: string };
    return made.key;
  };
  const read = readings(store, data);
  return {
    dir,
    data,
    configFile,
    places: files,
    gatewayUrl: app.gatewayUrl,
    consoleUrl: app.consoleUrl,
    keys: { first: await key('drill-one'), second: await key('drill-two') },
    provider,
    providerKeys,
    containers,
    notices: notices.received,
    ...read,
    ...deeds(respond),
    undone: async (run: string) => undoneOf(await read.memory(run), actions),
  };
}

async function writeConfiguration(
  { dir, usageSeconds, configured = (config) => config }: SandboxParts,
  data: string,
  parts: { files: SandboxFiles; provider: DrillProvider; notices: DrillNotices; containers: DrillContainers },
) {
  const made = { ...parts, usageSeconds };
  const deployment = join(dir, 'deployment.yaml');
  writeFileSync(deployment, JSON.stringify(sandboxDeployment(made), null, 2));
  const configFile = join(dir, 'rempart.yaml');
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify(configured(sandboxConfig({ ...made, deployment })), null, 2));
  const secret = () => randomBytes(24).toString('hex');
  const env = { DRILL_KEY: secret(), DRILL_SPARE_KEY: secret(), DRILL_NOTICE_SECRET: secret() };
  const config = loadConfig({ file: configFile, asked: true, env });
  const trusted = await trustModels(made.files.models, listFiles(data), {
    sources: ['registry.ollama.ai/library'],
    now: Date.now,
  });
  if (trusted.list === undefined) throw new Error('the model of the sandbox could not be trusted');
  takeBaseline({ data, configFile }, { now: Date.now(), by: officer });
  return { config, configFile, providerKeys: { first: env.DRILL_KEY, spare: env.DRILL_SPARE_KEY } };
}

function readings(store: Store, data: string) {
  const runs = createRunLog(store);
  return {
    tasks: createTasks(store),
    async incident(type: string): Promise<Incident | null> {
      const row = await store.db
        .selectFrom('incidents')
        .select('document')
        .where('type', '=', type)
        .orderBy('detected_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? null : (JSON.parse(row.document) as Incident);
    },
    run: (id: string) => runs.find(id),
    runs: (incident: string) => runs.list({ incident }),
    memory: (id: string) => runs.memory(id),
    async verifyJournal() {
      const { ok, streams } = await verifyJournal({ dir: join(data, 'journal') });
      return { ok, records: streams.find(({ stream }) => stream === 'respond')?.records ?? 0 };
    },
  };
}

function undoneOf(memory: readonly { key: string; value: Json }[], actions: Actions) {
  const ended = new Set(memory.filter(({ key }) => key.endsWith('/undone')).map(({ key }) => key.slice(0, -7)));
  const left = memory.filter(({ key, value }) => {
    if (!key.endsWith('/intent') || ended.has(key.slice(0, -7))) return false;
    const { action } = value as { action?: string };
    return actions.find(action ?? '')?.undo !== undefined;
  });
  return { undone: ended.size, left: left.length };
}

function deeds({ engine, incidents, taxonomy, playbooks, journal, actions }: Respond) {
  return {
    undo: (run: string) => engine.undo(run),
    async close(incident: string) {
      await incidents.close(incident, 'test', officer);
      // What was written last is signed as well before anybody looks.
      await journal.checkpoint();
    },
    async foretell(type: string, subject: string) {
      const { read, text } = playbooks.find(taxonomy.find(type)?.playbook ?? type);
      const declared = read.playbook.playbook_variables;
      // An incident to speak of, in the sandbox's own store; no playbook answers it.
      const now = Date.now();
      const { incident } = await incidents.open(
        { detector: 'drill', type, subject, occurredAt: now, detectedAt: now, severity: 'low', facts: {} },
        { answer: 'none' },
      );
      const known = { __incident__: incident.id, __subject__: subject, __type__: type };
      const given = Object.fromEntries(Object.entries(known).filter(([name]) => declared[name]?.external === true));
      const run = { read, text, incident: incident.id, given, requestedBy: 'rempart' };
      const { steps, end } = await engine.foretell(run);
      const undoable = (action: string) => actions.find(action)?.undo !== undefined;
      return {
        steps: steps.map((step) => ({ ...step, undoable: undoable(step.action) })),
        state: end.state,
        code: end.code,
      };
    },
  };
}
