// What can be simulated: scenarios, their methods, how long each lasts and what a target or its owner must offer for it.
import type { MethodId, ScenarioId } from '../../platform/documents/simulation.ts';
import { scenarioIds } from '../../platform/documents/simulation.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import { type MethodPlan, methodPlans } from '../scenarios/methods.ts';
import { type Profile, profileSchema } from '../targets/profile.ts';
import type { Words } from './text.ts';

export interface ListedMethod {
  scenario: ScenarioId;
  method: MethodId;
  title: string;
  /** What it needs, in words; empty when any target will do. */
  needs: string[];
  seconds: { quick: readonly [least: number, most: number]; real: number };
}

export function listMethods(words: Words): ListedMethod[] {
  return scenarioIds.flatMap((scenario) =>
    methodPlans
      .filter((plan) => plan.scenario === scenario)
      .map((plan) => ({
        scenario,
        method: plan.method,
        title: words.name(`report.method.${plan.method}`, plan.method),
        needs: needsOf(plan).map((key) => words.name(key.replace('simulate.why.', 'report.need.'), words.say(key))),
        seconds: { quick: [plan.quickMinMs / 1000, plan.quickMaxMs / 1000], real: plan.realMs / 1000 },
      })),
  );
}

/** Every objection a method raises against targets that offer more and more, until it raises none. */
function needsOf(plan: MethodPlan): TextKey[] {
  const bare = profileOf({});
  const started = profileOf({ start: { command: ['node'] } });
  const stored = (['sqlite', 'postgres', 'mysql'] as const).map((kind) =>
    profileOf({ start: { command: ['node'], env: { DB: `\${database.path} \${database.url}` } }, database: { kind } }),
  );
  const all = [bare, started, ...stored].map((profile) => plan.impossible(profile, { load: true }));
  const unloaded = [bare, started, ...stored].map((profile) => plan.impossible(profile, { load: false }));
  // Where one kind of database will do, that others will not is no need but a choice.
  const needs = [...unloaded, ...all].filter((key) => key !== null);
  return [...new Set(needs)];
}

function profileOf(more: object): Profile {
  return {
    ...profileSchema.parse({ name: 'any', ask: { request: { url: 'http://127.0.0.1/' } }, ...more }),
    file: '/',
  };
}

export function listText(methods: readonly ListedMethod[], words: Words): string {
  const { say, number } = words;
  const width = Math.max(...methods.map(({ method }) => method.length));
  const title = Math.max(...methods.map((one) => one.title.length));
  return scenarioIds
    .flatMap((scenario) => [
      `${scenario} — ${say(`simulate.scenario.${scenario}`)}`,
      ...methods
        .filter((one) => one.scenario === scenario)
        .map(({ method, title: name, needs, seconds: { quick, real } }) => {
          const lasts = say('report.list.lasts', {
            least: number(quick[0]),
            most: number(quick[1]),
            real: number(real),
          });
          const what = needs.length === 0 ? '' : ` — ${say('report.list.needs', { needs: needs.join(', ') })}`;
          return `  ${method.padEnd(width)}  ${name.padEnd(title)}  ${lasts}${what}`;
        }),
      '',
    ])
    .join('\n');
}
