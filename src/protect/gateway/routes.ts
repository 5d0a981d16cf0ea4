// The routes of the configuration made ready: from the name that a call asks for to the targets that may answer it.
import { createWeighted, type Weighted } from '../resilience/weighted.ts';
import type { ChatCall, ModelCard } from './dialects/dialect.ts';
import { createFindRule } from './find-rule.ts';
import { createRecent } from './recent-values.ts';
import { ableTargets, eachInTurn, type Provider, type Target } from './route.ts';
import { canonicalModel } from './scopes.ts';
import type { RouteSettings, TargetSettings } from './settings.ts';
import type { ModelGuard } from './verified-models.ts';

export interface Routes {
  /** Throws what `ableTargets` throws. */
  route(call: ChatCall): readonly Target[];
  /** All that a model's route leads to, in the order of the configuration. */
  targetsOf(model: string): readonly Target[];
  /** The names that routes give, each with its targets. */
  names: readonly { name: string; targets: readonly Target[] }[];
  /** True for a name that only stands behind a route: callers are not told of it. */
  isBehind(provider: string, model: string): boolean;
}

interface Step {
  targets: readonly Target[];
  turns?: Weighted;
}

interface Plan {
  targets: readonly Target[];
  steps: readonly Step[];
  /** Whether the order differs from call to call. */
  turns: boolean;
}

const rememberedNames = 1_000;

export function createRoutes(
  providers: readonly Provider[],
  rules: readonly RouteSettings[] = [],
  random: () => number = () => 0,
): Routes {
  const usual = planOf(eachInTurn(providers).map((target) => ({ targets: [target] })));
  if (rules.length === 0)
    return {
      route: (call) => ableTargets(call, usual.targets),
      targetsOf: () => usual.targets,
      names: [],
      isBehind: () => false,
    };

  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  const opened = rules.map((rule) => ({ ...rule, steps: stepsOf(rule, byName, random) }));
  const find = createFindRule(opened);
  const plans = createRecent<Plan>(rememberedNames);
  /** By a route of its own; one for whatever name may come offers none. */
  const isOffered = (model: string) => (find(model)?.model ?? '*') !== '*';
  const behind = new Set(
    opened.flatMap(({ targets = [] }) =>
      targets.flatMap(({ provider, model }) =>
        model === undefined || isOffered(model) ? [] : [`${provider} ${canonicalModel(model)}`],
      ),
    ),
  );

  function planFor(model: string): Plan {
    const known = plans.get(model);
    if (known !== undefined) return known;
    let name = model;
    let rule = find(name);
    // As many hops as there are rules at most: who comes further goes round.
    for (let hops = 0; rule?.aliasOf !== undefined; hops++) {
      if (hops > rules.length) throw new TypeError(`aliases of "${rule.model}" lead back to themselves`);
      name = rule.aliasOf;
      rule = find(name);
    }
    const plan = calledAs(rule === undefined ? usual : planOf(rule.steps), model, name);
    plans.set(model, plan);
    return plan;
  }

  const names = opened.flatMap(({ model }) =>
    model.includes('*') ? [] : [{ name: model, targets: planFor(model).targets }],
  );
  return {
    route: (call) => ableTargets(call, inOrder(planFor(call.model))),
    targetsOf: (model) => planFor(model).targets,
    names,
    isBehind: (provider, model) => behind.has(`${provider} ${canonicalModel(model)}`),
  };
}

/** The targets by priority; neighbours that all have a weight are one step. */
function stepsOf(
  { model, targets = [] }: RouteSettings,
  providers: ReadonlyMap<string, Provider>,
  random: () => number,
) {
  const sorted = targets.toSorted((a, b) => (a.priority ?? 1) - (b.priority ?? 1));
  const groups: TargetSettings[][] = [];
  for (const target of sorted) {
    const last = groups.at(-1)?.at(-1);
    const isEqual =
      last?.weight !== undefined && target.weight !== undefined && (last.priority ?? 1) === (target.priority ?? 1);
    if (isEqual) groups.at(-1)!.push(target);
    else groups.push([target]);
  }
  return groups.map((group, step): Step => {
    const opened = group.map((target): Target => {
      const provider = providers.get(target.provider);
      if (provider === undefined) throw new TypeError(`no provider is called "${target.provider}"`);
      return { ...provider, step, route: model, ...(target.model === undefined ? {} : { model: target.model }) };
    });
    if (opened.length === 1) return { targets: opened };
    const weights = group.map(({ weight = 1 }) => weight);
    return { targets: opened, turns: createWeighted(weights, random) };
  });
}

function planOf(steps: readonly Step[]): Plan {
  return {
    steps,
    targets: steps.flatMap(({ targets }) => targets),
    turns: steps.some(({ turns }) => turns !== undefined),
  };
}

/** The plan for who asks for `asked`, which is an alias where `name` differs: no target needs to be told a name that it is asked for anyway. */
function calledAs({ steps }: Plan, asked: string, name: string): Plan {
  return planOf(
    steps.map((step) => ({
      ...step,
      targets: step.targets.map(({ model = name, ...target }) => (model === asked ? target : { ...target, model })),
    })),
  );
}

function inOrder({ targets, steps, turns }: Plan): readonly Target[] {
  if (!turns) return targets;
  const ordered: Target[] = [];
  for (const step of steps) {
    const first = step.turns?.next() ?? 0;
    for (let place = 0; place < step.targets.length; place++)
      ordered.push(step.targets[(first + place) % step.targets.length]!);
  }
  return ordered;
}

/** The lists of providers and of routes as one: what routes name, and of the rest what does not stand behind them. */
export function withNames(
  cards: readonly ModelCard[],
  { names }: Routes,
  createdAt: number,
  guard: ModelGuard | undefined,
): ModelCard[] {
  const known = new Set(cards.map(({ id }) => canonicalModel(id)));
  const isRefused = ({ name, model }: Target, asked: string) =>
    guard?.concerns(name) === true && !guard.isVerified(model ?? asked);
  const added = names.filter(
    // A model that would be refused is not offered.
    ({ name, targets }) =>
      !known.has(canonicalModel(name)) &&
      targets.some((target) => target.step === targets[0]!.step && !isRefused(target, name)),
  );
  return [...added.map(({ name }) => ({ id: name, createdAt })), ...cards];
}
