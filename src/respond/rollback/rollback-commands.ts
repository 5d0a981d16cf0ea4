// What can be asked about rollbacks from the command line: the same answers from a running instance and without one.
import type { ControlHandlers } from '../../platform/base/control-socket.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import type { BackupsDocument } from '../../platform/documents/rollback.ts';
import type { Backups, ListedBackup, Taken } from './backups.ts';
import { type NamedState, pickStates } from './named-state.ts';
import { stateProblem } from './restore-state.ts';
import type { Rollback, RollbackOrder } from './rollback.ts';
import { isRunName } from './run-record.ts';

export interface RollbackCommandsParts {
  backups: Backups;
  rollback: Rollback;
  now: () => number;
}

/** Without a deployment profile each of them throws ERR_DEPLOYMENT_NONE. */
export function rollbackCommands(parts: RollbackCommandsParts | undefined): ControlHandlers {
  const known = () => {
    if (parts === undefined) throw new RempartError('ERR_DEPLOYMENT_NONE');
    return parts;
  };
  // A rollback that was cut short would leave half of one: it ends by itself.
  const { signal } = new AbortController();
  return {
    async 'rollback.foretell'(args) {
      const { rollback } = known();
      return json(await rollback.foretell(orderOf(args)));
    },
    async 'rollback.run'(args) {
      const { rollback } = known();
      return json(await rollback.run({ ...orderOf(args), run: runOf(args) }, signal));
    },
    async 'rollback.undo'(args) {
      const { rollback } = known();
      return json(await rollback.undo(runOf(args), text(args, 'by'), signal));
    },
    'rollback.list': async (args) => json(await listOf(known(), namesOf(args), new Map())),
    async 'rollback.backup'(args) {
      const { backups } = known();
      const taken = new Map<string, Taken>();
      for (const state of pickStates(backups.states, namesOf(args)))
        taken.set(state.name, await backups.take(state, 'asked'));
      return json(await listOf(known(), namesOf(args), taken));
    },
  };
}

const json = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;

function text(args: JsonObject, name: string): string {
  const given = args[name];
  if (typeof given === 'string' && given.length <= 200) return given;
  throw new RempartError('ERR_BODY_INVALID', { what: name });
}

function runOf(args: JsonObject): string {
  const run = text(args, 'run');
  if (isRunName(run)) return run;
  throw new RempartError('ERR_ROLLBACK_UNKNOWN', { run: run.slice(0, 80) });
}

function orderOf(args: JsonObject): Omit<RollbackOrder, 'run'> {
  const kind = text(args, 'kind');
  if (kind !== 'state' && kind !== 'system') throw new RempartError('ERR_BODY_INVALID', { what: 'kind' });
  const { before } = args;
  return {
    kind,
    target: text(args, 'target'),
    by: text(args, 'by'),
    before: typeof before === 'number' ? before : null,
  };
}

function namesOf({ states }: JsonObject): string[] | undefined {
  return Array.isArray(states) && states.length > 0 ? states.map(String) : undefined;
}

async function listOf(
  { backups, rollback, now }: RollbackCommandsParts,
  names: readonly string[] | undefined,
  taken: ReadonlyMap<string, Taken>,
): Promise<BackupsDocument> {
  const states = [];
  for (const state of pickStates(backups.states, names)) {
    const listed = [];
    for (const one of await backups.list(state)) listed.push(await shown(backups, state, one));
    const result = taken.get(state.name);
    states.push({
      state: state.name,
      format: state.format,
      path: state.path,
      problem: await stateProblem(state, backups.settings.limits),
      taken:
        result === undefined
          ? null
          : result.kind === 'taken'
            ? { backup: result.manifest.id, why: null }
            : { backup: null, why: result.why },
      backups: listed,
    });
  }
  const runs = rollback
    .runs()
    .map(({ run, kind, target, state, startedAt }) => ({ run, kind, target, state, startedAt }));
  return { schema: 'rempart/backups@1', at: new Date(now()).toISOString(), states, runs };
}

/** Read whole each time: a list that calls damaged bytes valid would be worth nothing. */
async function shown(backups: Backups, state: NamedState, one: ListedBackup) {
  if (one.kind === 'bad')
    return { backup: one.id, takenAt: null, bytes: null, cause: null, valid: false, why: one.why };
  const { takenAt, bytes, cause } = one.manifest;
  const why = await backups.verify(state, one.manifest);
  return { backup: one.id, takenAt, bytes, cause, valid: why === null, why };
}
