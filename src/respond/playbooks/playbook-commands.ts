// What the command line asks about playbooks and their runs: the same with a running instance, over its socket, and without one.
import { z } from 'zod';
import type { ControlHandlers } from '../../platform/base/control-socket.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { ListedPlaybook, PlaybookPlanDocument, PlaybookRunDocument } from '../../platform/documents/playbook.ts';
import type { Actions } from '../engine/action.ts';
import { isEnabled, needsPermission } from '../engine/allowance.ts';
import type { RunLog, RunRecord, Tasks } from '../engine/durable.ts';
import type { Engine, StartRun } from '../engine/engine.ts';
import type { LibraryPlaybook, PlaybookLibrary } from './library.ts';
import { actionExtension, actionExtensionSchema, type Playbook, undoStep } from './playbook.ts';
import { readPlaybook } from './read-playbook.ts';
import { referencesIn } from './variables.ts';

export interface PlaybookCommandsParts {
  playbooks: PlaybookLibrary;
  actions: Actions;
  /** Names of actions that the configuration turned on. */
  enabled: readonly string[];
  engine: Pick<Engine, 'start' | 'foretell'>;
  runs: Pick<RunLog, 'find' | 'list' | 'memory' | 'cancel'>;
  tasks: Pick<Tasks, 'list'>;
  incidents: {
    find(id: string): Promise<Incident | null>;
    run(id: string, run: Incident['playbookRuns'][number]): Promise<Incident>;
  };
}

const startSchema = z.strictObject({
  name: z.string().max(4_096),
  /** Of a file that is not in the library. */
  text: z.string().max(900_000).nullable(),
  incident: z.string().max(100).nullable(),
  subject: z.string().max(10_000).nullable(),
  variables: z.record(z.string().max(220), z.string().max(10_000)),
  by: z.string().min(1).max(200),
});
const runSchema = z.strictObject({ run: z.string().max(200) });
export type StartPlaybook = z.input<typeof startSchema>;

/** For the instance's control socket: only who owns the data directory reaches it. */
export function playbookCommands(parts: PlaybookCommandsParts): ControlHandlers {
  const { playbooks, engine, runs } = parts;
  const known = async (id: string): Promise<RunRecord> => {
    const record = await runs.find(id);
    if (record === null) throw new RempartError('ERR_RUN_UNKNOWN', { run: id.slice(0, 200) });
    return record;
  };

  return {
    'playbook.list': () =>
      json({ playbooks: playbooks.all.map((one) => listed(one, parts)), refused: playbooks.refused }),
    async 'playbook.foretell'(given) {
      const asked = read(startSchema, given);
      const { name, start } = await prepared(parts, asked);
      const { steps, end } = await engine.foretell(start);
      const { playbook, hash } = start.read;
      const plan: Omit<PlaybookPlanDocument, 'schema'> = {
        playbook: { name, id: playbook.id, version: playbook.modified, hash },
        steps: steps.map(({ refusal, undoAfter, ...step }) => ({
          ...step,
          effects: [...step.effects],
          refusal: refusal ?? null,
          undoAfter: undoAfter ?? null,
        })),
        undo: steps
          .filter(
            ({ action, reversible, effects, refusal }) =>
              action !== undoStep && reversible && effects.length > 0 && refusal === undefined,
          )
          .map(({ key }) => key)
          .toReversed(),
        end: { state: end.state, code: end.code },
      };
      return json(plan);
    },
    async 'playbook.start'(given) {
      const { name, start } = await prepared(parts, read(startSchema, given));
      const record = await engine.start(start);
      if (start.incident !== null)
        await parts.incidents.run(start.incident, { run: record.id, playbook: name, state: record.state });
      return json(await runOf(parts, record));
    },
    'playbook.run': async (given) => json(await runOf(parts, await known(read(runSchema, given).run))),
    'playbook.runs': async () =>
      json(await Promise.all((await runs.list()).slice(-100).map((one) => runOf(parts, one)))),
    async 'playbook.cancel'(given) {
      const { id } = await known(read(runSchema, given).run);
      await runs.cancel(id);
      return json(await runOf(parts, await known(id)));
    },
  };
}

function listed(
  { name, file, isShipped, read: { playbook } }: LibraryPlaybook,
  parts: PlaybookCommandsParts,
): ListedPlaybook {
  return {
    name,
    id: playbook.id,
    title: playbook.name,
    description: playbook.description ?? '',
    version: playbook.modified,
    types: playbook.playbook_types,
    shipped: isShipped,
    file,
    steps: Object.values(playbook.workflow).filter(({ type }) => type !== 'start' && type !== 'end').length,
    actions: actionsIn(playbook).map((action) => ({ name: action, state: stateOf(action, parts) })),
  };
}

function stateOf(
  name: string,
  { actions, enabled }: PlaybookCommandsParts,
): ListedPlaybook['actions'][number]['state'] {
  if (name === undoStep) return 'free';
  const action = actions.find(name);
  if (action === undefined) return 'missing';
  return needsPermission(action) ? (isEnabled(enabled, name) ? 'on' : 'off') : 'free';
}

/** Names of all actions that its steps carry out, each once. */
export function actionsIn({ workflow }: Playbook): string[] {
  const names = new Set<string>();
  for (const step of Object.values(workflow)) {
    if (step.type !== 'action') continue;
    const extension = actionExtensionSchema.safeParse(step.step_extensions[actionExtension]);
    if (extension.success) names.add(extension.data.action);
    else for (const { type } of step.commands) names.add(`command.${type}`);
  }
  return [...names].sort();
}

async function prepared(
  { playbooks, actions, incidents }: PlaybookCommandsParts,
  { name: asked, text, incident: id, subject, variables, by }: z.output<typeof startSchema>,
): Promise<{ name: string; start: StartRun }> {
  const incident = id === null ? null : await incidents.find(id.toUpperCase());
  if (id !== null && incident === null) throw new RempartError('ERR_INCIDENT_UNKNOWN', { id: id.slice(0, 100) });
  const { name, read: found, text: written } = text === null ? playbooks.find(asked) : ownFile(asked, text, actions);
  const declared = found.playbook.playbook_variables;
  const standard: Record<string, string | null | undefined> = {
    __incident__: incident?.id,
    __subject__: subject ?? incident?.subject,
    __type__: incident?.type,
  };
  const given = {
    ...Object.fromEntries(
      Object.entries(standard).filter(([key, value]) => declared[key]?.external === true && value != null),
    ),
    ...variables,
  } as Record<string, string>;
  const missing = requiredVariables(found.playbook).filter((key) => given[key] === undefined);
  if (missing.length > 0) throw new RempartError('ERR_PLAYBOOK_NEEDS', { name, variables: missing.join(', ') });
  return { name, start: { read: found, text: written, incident: incident?.id ?? null, given, requestedBy: by } };
}

function ownFile(file: string, text: string, actions: Actions): Pick<LibraryPlaybook, 'name' | 'read' | 'text'> {
  const found = readPlaybook(text, file, actions);
  if (Array.isArray(found)) throw new RempartError('ERR_PLAYBOOK_INVALID', { name: file, count: found.length });
  return { name: file, read: found, text };
}

/** External variables that its steps speak of and that have no value of their own. */
export function requiredVariables({ playbook_variables: declared, workflow }: Playbook): string[] {
  const spoken = new Set(referencesIn(JSON.stringify(workflow)));
  return Object.entries(declared)
    .filter(([name, { external, value }]) => external && (value ?? '') === '' && spoken.has(name))
    .map(([name]) => name);
}

async function runOf(
  { runs, tasks }: PlaybookCommandsParts,
  record: RunRecord,
): Promise<Omit<PlaybookRunDocument, 'schema'>> {
  const [memory, open] = await Promise.all([runs.memory(record.id), tasks.list({ run: record.id, state: 'open' })]);
  const steps = new Map<string, PlaybookRunDocument['steps'][number]>();
  for (const { key: at, value } of memory) {
    const [, key = '', what] = /^(.*)\/(intent|outcome|undone)$/.exec(at) ?? [];
    if (what === undefined) continue;
    const { step, action, code } = value as JsonObject & { step?: string; action?: string; code?: string };
    const known = steps.get(key) ?? { key, step: step ?? '', action: action ?? '', state: 'begun', code: null };
    if (what === 'outcome')
      steps.set(key, { ...known, state: code === undefined ? 'done' : 'failed', code: code ?? null });
    else steps.set(key, what === 'undone' ? { ...known, state: 'undone' } : known);
  }
  const { id, playbookName, incident, state, code, requestedBy, createdAt, endedAt } = record;
  return {
    run: id,
    playbook: playbookName,
    incident,
    state,
    code,
    requestedBy,
    createdAt: new Date(createdAt).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
    steps: [...steps.values()],
    questions: open.map(({ id: task, kind, step, about, planHash }) => ({ task, kind, step, about, planHash })),
  };
}

function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (!parsed.success)
    throw new RempartError('ERR_BODY_INVALID', { what: String(parsed.error.issues[0]?.path[0] ?? 'playbook') });
  return parsed.data;
}

/** All of it is JSON already; the types of documents say so less plainly. */
function json(value: unknown): Json {
  return value as Json;
}
