// What an action of respond is: an effect on the world that can be foretold, asked about and undone.
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { canonicalJson, type Json, type JsonObject } from '../../platform/base/json.ts';
import type { ActionExtension } from '../playbooks/playbook.ts';
import { referencesIn } from '../playbooks/variables.ts';

export type ActionClass = 'observe' | 'notify' | 'contain' | 'restore' | 'destroy';

/** One thing that would change. */
export interface Effect {
  /** What it happens to, by the name that the deployment profile or the configuration gives it. */
  target: string;
  /** A word for it, e.g. `stop`, `disconnect`, `overwrite`. */
  change: string;
  from?: string;
  to?: string;
}

export interface Plan {
  effects: readonly Effect[];
  reversible: boolean;
  /** Whatever undo will need to know of the state before; kept on disk before anything is done. */
  before: JsonObject;
  /** People are asked, whatever the class of the action. */
  askFirst?: true;
}

export interface Done {
  /** Values for the step's out_args. */
  out?: Readonly<Record<string, string | null>>;
  /** Kept with the run and shown in the report: names, counts, hashes; no secret, no text of a user. */
  evidence?: JsonObject;
}

export type Probe =
  | { state: 'not-done' }
  | { state: 'done'; done: Done }
  /** It cannot be told: after a crash a person is asked. */
  | { state: 'unknown' };

export interface ActionContext {
  incident: string | null;
  run: string;
  /** Its name in the playbook, and who asked for the run; for questions to people. */
  step?: string;
  requestedBy?: string;
  /** The same for the same step of the same run, before and after a crash. */
  idempotencyKey: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Aborts at the step's timeout and when the run is cancelled. */
  signal: AbortSignal;
  /** Names of out_args, so that an action with one result knows where it goes. */
  outArgs: readonly string[];
}

/** `Args` come from the playbook with variables filled in, and were checked by `args`. */
export interface Action<Args = unknown> {
  name: string;
  class: ActionClass;
  args: z.ZodType<Args>;
  /** Read only. Throws a RempartError when it could not be done now. */
  plan(args: Args, context: ActionContext): Promise<Plan>;
  /** Read only: whether it has happened already under this idempotency key. */
  probe(args: Args, context: ActionContext, before: JsonObject): Promise<Probe>;
  /** Throws a RempartError when it failed. */
  act(args: Args, context: ActionContext, before: JsonObject): Promise<Done>;
  /** Puts `before` back; must bear being called twice. Missing for what cannot be undone. */
  undo?(args: Args, context: ActionContext, before: JsonObject): Promise<void>;
}

export interface Actions {
  find(name: string): Action | undefined;
  names(): readonly string[];
  /** For the linter. */
  check(extension: ActionExtension): { known: false } | { known: true; wrong?: string; canUndo: boolean };
}

/** Lets each action have its own type of arguments; they are checked by its schema before it sees them. */
export function createActions(list: readonly Action[]): Actions {
  const byName = new Map(list.map((action) => [action.name, action]));
  return {
    find: (name) => byName.get(name),
    names: () => [...byName.keys()].sort(),
    check({ action: name, args }) {
      const action = byName.get(name);
      if (action === undefined) return { known: false };
      const known = { known: true, canUndo: action.undo !== undefined } as const;
      const issue = action.args
        .safeParse(args)
        // What a variable will hold is known when it runs.
        .error?.issues.find(({ path }) => referencesIn(String(valueAt(args, path))).length === 0);
      if (issue === undefined) return known;
      return { ...known, wrong: `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim() };
    },
  };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

/** Hex SHA-256 over what would be done: what people approve is bound to it. */
export function planHash(action: string, args: Json, plan: Plan): string {
  const bound = { action, args, effects: plan.effects as unknown as Json, reversible: plan.reversible };
  return createHash('sha256').update(canonicalJson(bound)).digest('hex');
}
