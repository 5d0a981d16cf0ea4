// The part of the configuration that says where calls for a model go, and the weighted keys of a provider.
import { z } from 'zod';
import type { TextKey } from '../../platform/i18n/say.ts';
import { isCloudModel } from './cloud-models.ts';
import { createFindRule } from './find-rule.ts';
import { type RemoteSettings, refusesCloudNames } from './remote-guard.ts';
import { canonicalModel } from './scopes.ts';
import type { ProviderSettings, RouteSettings, TargetSettings } from './settings.ts';

const weight = z.number().int().min(1).max(100);
const name = z.string().regex(/^[!-~]{1,256}$/, 'routes.issue.name');
const oneModel = name.regex(/^[^*]*$/, 'routes.issue.star');

const target = z.strictObject({
  provider: z.string(),
  /** What the model is called there; default: what it was asked for by. Callers never see it. */
  model: oneModel.optional(),
  /** Neighbours that have one share the calls by it. */
  weight: weight.optional(),
  /** Lower comes first. */
  priority: z.number().int().min(1).max(100).optional(),
});

const route = z
  .strictObject({
    /** A name, or a pattern: `*` is any text without a slash, alone any text at all. */
    model: name,
    /** Goes wherever calls for this one go. */
    aliasOf: oneModel.optional(),
    targets: z.array(target).min(1, 'routes.issue.empty').max(32).optional(),
  })
  .refine(({ aliasOf, targets }) => aliasOf !== undefined || targets !== undefined, 'routes.issue.nowhere')
  .refine(({ aliasOf, targets }) => aliasOf === undefined || targets === undefined, 'routes.issue.both');

export const routesSchema = z.array(route).max(500);

/** `secret` is the schema of what stands for a key. */
export const weightedKeys = <T extends z.ZodType>(secret: T) =>
  z.array(z.strictObject({ key: secret, weight: weight.default(1) })).max(32);

type KnownProvider = Pick<ProviderSettings, 'name'> & RemoteSettings;

export interface RouteIssue {
  path: string;
  key: TextKey;
  facts?: Record<string, string>;
}

/** The first thing wrong with the routes that only shows beside the providers and each other. */
export function routesIssue(
  routes: readonly RouteSettings[],
  providers: readonly KnownProvider[],
): RouteIssue | undefined {
  const met = new Set<string>();
  const find = createFindRule(routes);
  for (const [index, rule] of routes.entries()) {
    const path = `routes.${index}`;
    const { model, targets = [] } = rule;
    if (met.has(canonicalModel(model))) return { path: `${path}.model`, key: 'routes.issue.twice', facts: { model } };
    met.add(canonicalModel(model));
    const wrong = targetsIssue(targets, providers, `${path}.targets`) ?? aliasIssue(rule, find, `${path}.aliasOf`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function targetsIssue(
  targets: readonly TargetSettings[],
  providers: readonly KnownProvider[],
  path: string,
): RouteIssue | undefined {
  const met = new Set<string>();
  for (const [index, { provider: asked, model }] of targets.entries()) {
    const at = `${path}.${index}`;
    const provider = providers.find((one) => one.name === asked);
    if (provider === undefined) {
      if (providers.length === 0) return { path: `${at}.provider`, key: 'routes.issue.noProviders' };
      const known = providers.map((one) => one.name).join(', ');
      return { path: `${at}.provider`, key: 'routes.issue.provider', facts: { name: asked, known } };
    }
    if (model !== undefined && isCloudModel(model) && refusesCloudNames(provider))
      return { path: `${at}.model`, key: 'routes.issue.cloud', facts: { model } };
    const same = `${asked} ${canonicalModel(model ?? '')}`;
    if (met.has(same)) return { path: at, key: 'routes.issue.sameTarget' };
    met.add(same);
  }
  return undefined;
}

/** An alias that leads back to itself, by way of others or of a pattern that fits its own target. */
function aliasIssue(
  start: RouteSettings,
  find: (model: string) => RouteSettings | undefined,
  path: string,
): RouteIssue | undefined {
  const way = [start.model];
  const met = new Set<RouteSettings>();
  for (let rule: RouteSettings | undefined = start; rule?.aliasOf !== undefined; rule = find(rule.aliasOf)) {
    if (met.has(rule)) return { path, key: 'routes.issue.cycle', facts: { way: way.join(' → ') } };
    met.add(rule);
    way.push(rule.aliasOf);
  }
  return undefined;
}
