// The language of CACAO v2 carried out: all eight kinds of steps, from what a run remembers and what actions do.
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { commandArgs } from '../playbooks/command-args.ts';
import { type Condition, holds, namesIn, parseCondition } from '../playbooks/condition.ts';
import {
  type ActionExtension,
  actionExtension,
  actionExtensionSchema,
  type Command,
  type Playbook,
  type Step,
  type StepOf,
  undoStep,
} from '../playbooks/playbook.ts';
import { createScope, fill, fillAll, referencesIn, type Scope } from '../playbooks/variables.ts';
import type { HeldRun } from './durable.ts';
import { type Performance, type PerformParts, perform } from './perform.ts';
import { putBack } from './put-back.ts';
import { pause } from './tasks.ts';

export interface InterpretParts extends PerformParts {
  /** The playbook that a playbook-action names; throws ERR_PLAYBOOK_UNKNOWN. */
  findPlaybook: (id: string, version: string | undefined) => Promise<Playbook>;
}

export interface Interpreted {
  state: 'done' | 'failed';
  /** Of what ended it. */
  code: string | null;
  /** The failure was answered by the playbook's own workflow_exception. */
  handled: boolean;
  variables: Record<string, string | null>;
}

/** A playbook in which a playbook calls a playbook so deep does not end by itself. */
const deepestCalls = 8;
/** Steps of a run, branches within branches, and rounds of one loop: what goes on longer is taken for endless. */
const mostSteps = 10_000;
const deepestBranches = 64;
const mostRounds = 1_000;

interface Walk {
  parts: InterpretParts;
  run: HeldRun;
  playbook: Playbook;
  scope: Scope;
  signal: AbortSignal;
  calls: number;
  /** Shared by all branches. */
  taken: { steps: number };
  /** Keys of actions that succeeded and are to be undone when the run fails. */
  compensations: string[];
  /** Variables that a real run would have learnt by now: a dry run goes both ways where they are asked for. */
  unknown: Set<string>;
}

/** Rejects only when the run is no longer ours or was told to stop: every failure of a step is an outcome. */
export async function interpret(
  parts: InterpretParts,
  run: HeldRun,
  playbook: Playbook,
  signal: AbortSignal,
  compensate: (keys: readonly string[]) => Promise<void>,
): Promise<Interpreted> {
  const walk: Walk = {
    parts,
    run,
    playbook,
    scope: createScope(playbook.playbook_variables, run.record.given),
    signal,
    calls: 0,
    taken: { steps: 0 },
    compensations: [],
    unknown: new Set(),
  };
  const failure = await outcome(() => branch(walk, playbook.workflow_start, '0'));
  if (failure === undefined) return { state: 'done', code: null, handled: false, variables: walk.scope.own() };
  await compensate(walk.compensations.toReversed());
  let handled = false;
  if (playbook.workflow_exception !== undefined) {
    const exception = playbook.workflow_exception;
    handled = (await outcome(() => branch(walk, exception, 'exception'))) === undefined;
  }
  return { state: 'failed', code: failure.code, handled, variables: walk.scope.own() };
}

/** The failure of what is tried; being told to stop or losing the run is no failure of the playbook's. */
async function outcome(work: () => Promise<void>): Promise<RempartError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof RempartError) return error;
    throw error;
  }
}

/** From a step to the end of its branch. The key of a step is its branch and how many came before it. */
async function branch(walk: Walk, first: string, at: string): Promise<void> {
  let id: string | undefined = first;
  // Branches that lead back before themselves open one within the other for ever.
  const depth = at.split('/').length;
  for (let count = 0; id !== undefined; count++) {
    if (walk.taken.steps++ >= mostSteps || depth > deepestBranches)
      throw new RempartError('ERR_PLAYBOOK_ENDLESS', { step: id });
    const step: Step | undefined = walk.playbook.workflow[id];
    if (step === undefined) throw new RempartError('ERR_PLAYBOOK_STEP', { step: id });
    if (step.type === 'end') return;
    const key = `${at}.${count}`;
    const failure = await outcome(() => timed(walk, id!, step, key));
    if (failure === undefined) id = step.on_completion ?? step.on_success;
    else if (step.on_failure !== undefined) id = step.on_failure;
    else throw failure;
  }
}

/** With its delay before it and its timeout around it, both kept as points in time that outlast a restart. */
async function timed(walk: Walk, id: string, step: Step, key: string): Promise<void> {
  const { parts, run, signal } = walk;
  const isDry = parts.dryRun !== undefined;
  if (step.delay !== undefined && !isDry) {
    const due = await pointInTime(walk, `${key}/due`, step.delay);
    await pause(Math.max(0, due - parts.now()), signal);
  }
  if (!step.timeout || isDry) return carryOut(walk, id, step, key);
  const deadline = await pointInTime(walk, `${key}/deadline`, step.timeout);
  const over = run.recall(`${key}/timeout`) as Record<string, string | null> | undefined;
  const timeout = new RempartError('ERR_ACTION_TIMEOUT', { step: step.name ?? id });
  if (over !== undefined) {
    // What its branches had set by then is set again; nothing of it is done again.
    for (const [name, value] of Object.entries(over))
      if (walk.scope.get(name)?.constant === false) walk.scope.set(name, value);
    throw timeout;
  }
  // It ended in time before the crash: walked again from memory, however late it is now.
  if (run.recall(`${key}/in-time`) !== undefined) return carryOut(walk, id, step, key);
  const expired = new AbortController();
  const timer = setTimeout(() => expired.abort(timeout), Math.max(0, deadline - parts.now()));
  const within = { ...walk, signal: AbortSignal.any([signal, expired.signal]) };
  try {
    await Promise.race([carryOut(within, id, step, key), whenAborted(expired.signal)]);
    await run.remember(`${key}/in-time`, true);
  } catch (error) {
    if (expired.signal.aborted) {
      await run.remember(`${key}/timeout`, walk.scope.own());
      throw timeout;
    }
    if (error instanceof RempartError) await run.remember(`${key}/in-time`, false);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function pointInTime({ run, parts }: Walk, key: string, afterMs: number): Promise<number> {
  const known = run.recall(key);
  if (typeof known === 'number') return known;
  const point = parts.now() + afterMs;
  await run.remember(key, point);
  return point;
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

async function carryOut(walk: Walk, id: string, step: Step, key: string): Promise<void> {
  walk.signal.throwIfAborted();
  const scope = walk.scope.within(step.step_variables);
  switch (step.type) {
    case 'start':
    case 'end':
      return;
    case 'action':
      return act(walk, id, step, key, scope);
    case 'playbook-action':
      return call(walk, step, key, scope);
    case 'parallel':
      return sideBySide(walk, step, key);
    case 'if-condition': {
      const condition = parseCondition(step.condition);
      if (isUnknown(walk, condition)) return eitherWay(walk, { true: step.on_true, false: step.on_false }, key);
      const isTrue = await decided(walk, `${key}/condition`, () => holds(condition, scope));
      const next = isTrue ? step.on_true : step.on_false;
      return next === undefined ? undefined : branch(walk, next, `${key}/${isTrue}`);
    }
    case 'while-condition': {
      const condition = parseCondition(step.condition);
      for (let round = 0; ; round++) {
        if (round >= mostRounds) throw new RempartError('ERR_PLAYBOOK_ENDLESS', { step: step.name ?? id });
        if (!(await decided(walk, `${key}/${round}/condition`, () => holds(condition, scope)))) return;
        await branch(walk, step.on_true, `${key}/${round}`);
        // Nothing that a dry run does changes a variable: one round shows what every round would do.
        if (walk.parts.dryRun !== undefined) return;
      }
    }
    case 'switch-condition': {
      if (referencesIn(step.switch).some((name) => walk.unknown.has(name))) return eitherWay(walk, step.cases, key);
      const value = fill(step.switch.includes(':value') ? step.switch : `${step.switch}:value`, scope);
      const next = Object.hasOwn(step.cases, value) ? step.cases[value] : step.cases['default'];
      return next === undefined ? undefined : branch(walk, next, `${key}/case`);
    }
  }
}

function isUnknown({ unknown }: Walk, condition: Condition): boolean {
  return namesIn(condition).some((name) => unknown.has(name));
}

/** Of a dry run, which cannot know what will have been learnt: each way is shown. It fails when every way does. */
async function eitherWay(walk: Walk, ways: Readonly<Record<string, string | undefined>>, key: string): Promise<void> {
  const failures: (RempartError | undefined)[] = [];
  for (const [way, next] of Object.entries(ways))
    failures.push(next === undefined ? undefined : await outcome(() => branch(walk, next, `${key}/${way}`)));
  if (failures.every((failure) => failure !== undefined)) throw failures[0];
}

/** Remembered, so that a run that goes on after a crash takes the same way. */
async function decided({ run, parts }: Walk, key: string, decide: () => boolean): Promise<boolean> {
  const known = run.recall(key);
  if (typeof known === 'boolean') return known;
  const result = decide();
  if (parts.dryRun === undefined) await run.remember(key, result);
  return result;
}

/** All branches are waited for, then the first failure counts. */
async function sideBySide(walk: Walk, step: StepOf<'parallel'>, key: string): Promise<void> {
  const ends = await Promise.allSettled(step.next_steps.map((next, index) => branch(walk, next, `${key}/${index}`)));
  const failed = ends.filter((end) => end.status === 'rejected').map(({ reason }) => reason as unknown);
  const lost = failed.find((reason) => !(reason instanceof RempartError));
  if (failed.length > 0) throw lost ?? failed[0];
}

async function call(walk: Walk, step: StepOf<'playbook-action'>, key: string, scope: Scope): Promise<void> {
  if (walk.calls >= deepestCalls) throw new RempartError('ERR_PLAYBOOK_ENDLESS', { step: step.name ?? '' });
  const playbook = await walk.parts.findPlaybook(step.playbook_id, step.playbook_version);
  const given = Object.fromEntries(step.in_args.map((name) => [name, scope.get(name)?.value ?? null]));
  const inner = createScope(playbook.playbook_variables, given);
  const walkIn: Walk = { ...walk, playbook, scope: inner, calls: walk.calls + 1 };
  const failure = await outcome(() => branch(walkIn, playbook.workflow_start, `${key}/in`));
  if (failure !== undefined) {
    const { workflow_exception: exception } = playbook;
    if (exception !== undefined) await outcome(() => branch(walkIn, exception, `${key}/exception`));
    throw failure;
  }
  for (const name of step.out_args) scope.set(name, inner.get(name)?.value ?? null);
}

async function act(walk: Walk, id: string, step: StepOf<'action'>, key: string, scope: Scope): Promise<void> {
  for (const [index, { extension, args }] of actionsOf(walk.playbook, step, scope).entries()) {
    const performance: Performance = {
      run: walk.run,
      key: `${key}/${index}`,
      step: step.name ?? id,
      extension,
      args,
      outArgs: step.out_args,
      signal: walk.signal,
    };
    if (extension.action === undoStep) {
      await putBack(walk.parts, performance);
      continue;
    }
    const { out = {} } = await perform(walk.parts, performance);
    if (walk.parts.dryRun !== undefined) for (const name of step.out_args) walk.unknown.add(name);
    if (extension.compensate) walk.compensations.push(performance.key);
    for (const [name, value] of Object.entries(out)) if (step.out_args.includes(name)) scope.set(name, value);
  }
}

/** Our own typed action where the step carries one; else each of its commands, as the action that carries such commands out. */
function actionsOf(
  { agent_definitions: agents, target_definitions: targets, authentication_info_definitions: logins }: Playbook,
  step: StepOf<'action'>,
  scope: Scope,
): { extension: ActionExtension; args: Json }[] {
  const given = step.step_extensions[actionExtension];
  if (given !== undefined) {
    const extension = actionExtensionSchema.parse(given);
    const ofCommand = /^command\.(.+)$/.exec(extension.action)?.[1];
    const args = extension.args as JsonObject;
    return [
      {
        extension,
        args: ofCommand === undefined ? (fillAll(args, scope) as Json) : commandArgs(ofCommand, args, scope),
      },
    ];
  }
  const where = (step.targets.length > 0 ? step.targets.map((id) => targets[id]) : [agents[step.agent]]).filter(
    (target) => target !== undefined,
  );
  return step.commands.map((command) => {
    const args = commandArgs(command.type, { ...textOf(command), targets: where as unknown as Json }, scope);
    const login = where.find(({ authentication_info }) => authentication_info !== undefined)?.authentication_info;
    const extension: ActionExtension = { action: `command.${command.type}`, args: {}, compensate: false };
    return { extension, args: login === undefined ? args : { ...args, login: (logins[login] ?? {}) as JsonObject } };
  });
}

function textOf({ command, command_b64, headers, content, content_b64, description }: Command): JsonObject {
  const decoded = (text: string | undefined, base64: string | undefined) =>
    text ?? (base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8'));
  const body = decoded(content, content_b64);
  return {
    command: decoded(command, command_b64) ?? '',
    ...(description === undefined ? {} : { description }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { content: body }),
  };
}
