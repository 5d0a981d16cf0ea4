// Drills in words: one line while they go on, and what was seen once they are over.
import type { DrillDocument, DrilledScenario } from '../platform/documents/drill.ts';
import type { Say } from '../platform/i18n/say.ts';
import { visible } from '../platform/reporting/visible.ts';

export function progressLine(drilled: DrilledScenario, dryRun: boolean, say: Say): string {
  const name = drilled.scenario.padEnd(24);
  if (dryRun) return `  ${name}  ${say('drill.progress.foretold', { steps: drilled.plan?.steps.length ?? 0 })}`;
  const result = say(`drill.result.${drilled.result}`);
  return `  ${name}  ${result}${timesOf(drilled, say)}${whyOf(drilled)}`;
}

export function drillLines(document: DrillDocument, say: Say): string[] {
  const lines = document.scenarios.flatMap((one) => (document.dryRun ? planLines(one, say) : resultLines(one, say)));
  const { passed, failed, notRun } = document;
  if (!document.dryRun) lines.push(say('drill.total', { passed, failed, notRun }));
  const engines = new Set(document.scenarios.flatMap(({ engine }) => engine ?? []));
  for (const engine of engines) lines.push(say(`drill.engine.${engine}`));
  return lines;
}

function resultLines(drilled: DrilledScenario, say: Say): string[] {
  const head = say('drill.line.head', {
    title: drilled.title,
    scenario: drilled.scenario,
    result: `${say(`drill.result.${drilled.result}`)}${timesOf(drilled, say)}`,
  });
  const why = drilled.why === null ? [] : [`  ${visible(drilled.why.text)}`];
  const checks = drilled.checks.map(
    ({ phase, ok, text }) =>
      `  ${ok ? '✓' : '✗'} ${say('drill.line.check', { phase: say(`drill.phase.${phase}`), text: visible(text) })}`,
  );
  return [head, ...why, ...checks, ''];
}

function planLines(drilled: DrilledScenario, say: Say): string[] {
  const { plan, detectors, playbook, title, scenario } = drilled;
  const head = `${title} (${scenario})`;
  if (plan === null) return [head, `  ${visible(drilled.why?.text ?? '')}`, ''];
  const steps = plan.steps.map(({ step, action, effects, approval, refusal }) => {
    const shown = effects.map(({ target, change, to }) => `${change} ${target}${to === undefined ? '' : ` → ${to}`}`);
    const notes = [
      ...(approval ? [say('drill.plan.approval')] : []),
      ...(refusal === null ? [] : [say('drill.plan.refused', { code: refusal })]),
    ];
    const what = shown.length === 0 ? say('drill.plan.nothing') : shown.join(', ');
    return `  ${visible(step)} [${action}]: ${visible(what)}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
  });
  return [
    head,
    `  ${say('drill.plan.cause')} ${plan.cause}`,
    `  ${say('drill.plan.detectors')} ${detectors.join(', ')}`,
    `  ${say('drill.plan.playbook')} ${playbook}`,
    ...steps,
    `  ${say('drill.plan.undo')} ${plan.undo.length === 0 ? say('drill.plan.nothing') : visible(plan.undo.join(' ← '))}`,
    '',
  ];
}

function timesOf({ detectedMs, containedMs }: DrilledScenario, say: Say): string {
  const seconds = (ms: number) => (ms / 1_000).toFixed(2);
  const times = [
    ...(detectedMs === null ? [] : [say('drill.detected', { seconds: seconds(detectedMs) })]),
    ...(containedMs === null ? [] : [say('drill.contained', { seconds: seconds(containedMs) })]),
  ];
  return times.length === 0 ? '' : `, ${times.join(', ')}`;
}

function whyOf({ why }: DrilledScenario): string {
  return why === null ? '' : ` (${visible(why.text)})`;
}
