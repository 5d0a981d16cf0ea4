// The chosen methods as a Chaos Toolkit experiment: its own tool runs them one by one through `rempart`, and checks that the target is well before and after.
import type { Json } from '../../platform/base/json.ts';
import type { Say } from '../../platform/i18n/say.ts';
import type { MethodPlan } from '../scenarios/methods.ts';

export interface ExportOptions {
  plans: readonly MethodPlan[];
  target: string;
  /** Path of the target profile, as the one who runs the experiment will find it. */
  profile: string;
  pace: 'real' | 'quick';
  seed: number;
  allowLoad: boolean;
  authorisation: string | null;
  say: Say;
}

/** Filled in by Chaos Toolkit from the experiment's configuration. */
const place = (name: string) => `\${${name}}`;

export function exportExperiment(options: ExportOptions): Json {
  const { plans, target, profile, pace, seed, allowLoad, authorisation, say } = options;
  const leave = authorisation === null ? [] : ['--i-am-authorised', authorisation];
  // Places are filled in arguments only: the program itself must be on the PATH under its own name.
  const rempart = (timeout: number, ...words: string[]): Json => ({
    type: 'process',
    path: 'rempart',
    timeout,
    arguments: words,
  });
  const check = rempart(120, 'target', 'check', place('profile'), ...leave);
  const calm = { type: 'probe', name: 'target-is-well', tolerance: 0, provider: check };
  return {
    version: '1.0.0',
    title: say('report.chaos.title', { target }),
    description: say('report.chaos.description'),
    tags: ['rempart', 'llm', ...new Set(plans.map(({ scenario }) => scenario))],
    contributions: { availability: 'high', reliability: 'high', security: 'high', performance: 'low' },
    configuration: {
      profile,
      pace,
      seed: String(seed),
    },
    'steady-state-hypothesis': { title: say('report.chaos.steady', { target }), probes: [calm] },
    method: plans.map(({ scenario, method }) => ({
      type: 'action',
      name: `${scenario}-${method}`,
      provider: rempart(
        1800,
        'simulate',
        scenario,
        '--method',
        method,
        '--target',
        place('profile'),
        '--pace',
        place('pace'),
        '--seed',
        place('seed'),
        '--json',
        ...(allowLoad ? ['--allow-load'] : []),
        ...leave,
      ),
    })),
    // The keeper puts back by itself whatever an ended run left; should it have died too, the next start does, and this is one.
    rollbacks: [{ type: 'action', name: 'replay-undo-log', provider: check }],
  };
}
