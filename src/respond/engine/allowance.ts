// What actions may do at all: which are switched on, what is never touched, how much in how long.
import { RempartError } from '../../platform/base/errors.ts';
import type { ActionExtension } from '../playbooks/playbook.ts';
import type { Action, ActionClass, Plan } from './action.ts';

export interface AllowanceSettings {
  /** Names of actions that the configuration turned on; `*` at the end of a name stands for all that begin so. */
  enabled: readonly string[];
  /** Targets that are never touched. */
  protected: readonly string[];
  /** Things that one step may touch. */
  maxTargets: number;
  /** Actions of a class within the window; more are asked of people. */
  perWindow: Partial<Record<ActionClass, number>>;
  windowMs: number;
  /** Classes that are always asked of people first. */
  askFirst: readonly ActionClass[];
  approval: { quorum: number; ttl: number; on_timeout: 'deny' | 'proceed' };
}

export const defaultAllowance: Omit<AllowanceSettings, 'enabled'> = {
  protected: [],
  maxTargets: 20,
  perWindow: { contain: 20, restore: 20, destroy: 5 },
  windowMs: 600_000,
  askFirst: ['destroy'],
  approval: { quorum: 1, ttl: 900_000, on_timeout: 'deny' },
};

export interface Allowance {
  approval: AllowanceSettings['approval'];
  /** Why it may not be done, whoever allows it. */
  refusal(action: Action, plan: Plan, extension: ActionExtension): RempartError | undefined;
  asksFirst(action: Action, plan: Plan): boolean;
  count(action: Action): void;
  /** How often each class had to ask because its window was full. */
  suppressed(): Readonly<Partial<Record<ActionClass, number>>>;
}

/** Looking and telling harm nobody: they need no permission. */
const harmless: readonly ActionClass[] = ['observe', 'notify'];

export function needsPermission(action: Pick<Action, 'class'>): boolean {
  return !harmless.includes(action.class);
}

export function createAllowance(settings: AllowanceSettings, now: () => number): Allowance {
  const recent = new Map<ActionClass, number[]>();
  const suppressed: Partial<Record<ActionClass, number>> = {};
  const within = (kind: ActionClass) => {
    const since = now() - settings.windowMs;
    const kept = (recent.get(kind) ?? []).filter((time) => time > since);
    recent.set(kind, kept);
    return kept;
  };

  return {
    approval: settings.approval,
    refusal(action, plan, extension) {
      if (!needsPermission(action)) return undefined;
      if (!isEnabled(settings.enabled, action.name)) return new RempartError('ERR_ACTION_OFF', { action: action.name });
      const untouchable = plan.effects.find(({ target }) => settings.protected.includes(target));
      if (untouchable !== undefined)
        return new RempartError('ERR_ACTION_PROTECTED', { action: action.name, target: untouchable.target });
      const targets = new Set(plan.effects.map(({ target }) => target)).size;
      const most = Math.min(settings.maxTargets, extension.max_targets ?? settings.maxTargets);
      if (targets > most) return new RempartError('ERR_ACTION_TOO_MANY', { action: action.name, targets, most });
      return undefined;
    },
    asksFirst(action, plan) {
      if (plan.askFirst === true || settings.askFirst.includes(action.class)) return true;
      const most = settings.perWindow[action.class];
      if (most === undefined || within(action.class).length < most) return false;
      suppressed[action.class] = (suppressed[action.class] ?? 0) + 1;
      return true;
    },
    count(action) {
      within(action.class).push(now());
    },
    suppressed: () => suppressed,
  };
}

export function isEnabled(enabled: readonly string[], name: string): boolean {
  return enabled.some((entry) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : entry === name));
}
