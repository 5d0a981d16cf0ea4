// The engine of an instance, with what the configuration lets its actions do.
import { RempartError } from '../platform/base/errors.ts';
import type { Actions } from '../respond/engine/action.ts';
import { type AllowanceSettings, createAllowance, isEnabled } from '../respond/engine/allowance.ts';
import { createEngine, defaultEngine, type Engine } from '../respond/engine/engine.ts';
import { followRuns } from '../respond/incidents/follow-runs.ts';
import type { RespondConfig } from '../respond/respond-config.ts';
import type { AtEnd } from './options.ts';
import type { RespondGround, RespondRecords } from './respond-ground.ts';

/** It takes no run before it is told to. */
export function openEngine(ground: RespondGround & RespondRecords, actions: Actions, atEnd: AtEnd): Engine {
  const { config, playbooks, metrics, now } = ground;
  refuseUnknown(ground, actions.names());
  const engine = createEngine(
    {
      ...ground,
      actions,
      allowance: createAllowance(allowanceOf(config.respond), now),
      findPlaybook: playbooks.findPlaybook,
      ...followRuns({
        ...ground,
        actions,
        ended: metrics.ran,
        nameOf: (id) => playbooks.all.find(({ read }) => read.playbook.id === id)?.name,
      }),
    },
    { ...defaultEngine, idle: true },
  );
  atEnd(() => engine.close());
  return engine;
}

/** A mistyped name would leave an action off, and nobody would know before it is needed. */
function refuseUnknown({ config, configFile = 'rempart.yaml' }: RespondGround, names: readonly string[]): void {
  const { enabled } = config.respond.actions;
  // Some actions exist only for what a deployment profile names.
  if (config.deployment === undefined) return;
  for (const [index, entry] of enabled.entries())
    if (!names.some((name) => isEnabled([entry], name)))
      throw new RempartError('ERR_CONFIG_INVALID', {
        file: configFile,
        path: `respond.actions.enabled.${index}`,
        what: { key: 'incident.issue.action', facts: { name: entry, known: names.join(', ') } },
      });
}

function allowanceOf({ actions }: RespondConfig): AllowanceSettings {
  const { windowSeconds, approval, ...same } = actions;
  return {
    ...same,
    windowMs: windowSeconds * 1_000,
    approval: { quorum: approval.quorum, ttl: approval.minutes * 60_000, on_timeout: approval.onTimeout },
  };
}
