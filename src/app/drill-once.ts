// One scenario from an empty directory to its part of the document: sandbox, drill, end.

import { RempartError } from '../platform/base/errors.ts';
import type { DrilledScenario } from '../platform/documents/drill.ts';
import { catalogues, type Lang, say, type TextKey } from '../platform/i18n/say.ts';
import type { Drill, Sandbox } from '../respond/drills/drill.ts';
import type { DrillContainers } from '../respond/drills/drill-containers.ts';
import { findDrill } from '../respond/drills/drills.ts';
import { startPodmanContainers } from '../respond/drills/podman-containers.ts';
import { startProcessContainers } from '../respond/drills/process-containers.ts';
import { type DrillOutcome, type Patience, runDrill } from '../respond/drills/run-drill.ts';
import { playbookTexts } from '../respond/playbooks/playbook-texts.ts';
import { loadTaxonomy } from '../respond/taxonomy/load-taxonomy.ts';
import type { IncidentType } from '../respond/taxonomy/taxonomy.ts';
import type { LaneOrder } from './drill-lane.ts';
import { openSandbox, type SandboxParts } from './drill-sandbox.ts';

export type DrillOnceOptions = Pick<SandboxParts, 'respondWith' | 'configured'> & { patience?: Patience };

/** Never rejects: what goes wrong is the drill's result. */
export async function drillOnce(
  order: LaneOrder,
  signal: AbortSignal,
  more: DrillOnceOptions = {},
): Promise<DrilledScenario> {
  const { lang, scenario } = order;
  const type = loadTaxonomy().find(scenario);
  if (type === undefined) throw new RempartError('ERR_INTERNAL');
  const drill = findDrill(type.id);
  const begun = { startedAt: new Date().toISOString(), at: performance.now() };
  const base = (): DrilledScenario => ({
    scenario: type.drill,
    type: type.id,
    level: type.level,
    title: type.title[lang],
    result: 'not-run',
    why: null,
    detector: null,
    detectors: [],
    playbook: type.playbook,
    engine: null,
    startedAt: begun.startedAt,
    tookMs: Math.round(performance.now() - begun.at),
    detectedMs: null,
    containedMs: null,
    checks: [],
    plan: null,
  });
  const notRun = (code: NotRun, facts: Facts = {}): DrilledScenario => ({ ...base(), why: why(lang, code, facts) });
  if (drill === undefined) return notRun('no-drill');
  let sandbox: (Sandbox & { end(): Promise<void> }) | undefined;
  try {
    sandbox = await openSandbox({
      dir: order.dir,
      lang,
      signal,
      usageSeconds: drill.watchesUsage === true ? 0.3 : 5,
      startContainers: (at) => startContainers(drill, order.podman, at),
      ...(more.respondWith === undefined ? {} : { respondWith: more.respondWith }),
      ...(more.configured === undefined ? {} : { configured: more.configured }),
    });
  } catch (error) {
    return { ...notRun('no-sandbox', { error: nameOf(error) }), result: 'failed' };
  }
  try {
    const engine = sandbox.containers.kind;
    if (order.dryRun) return { ...(await foretold(base, drill, type, sandbox, lang)), engine };
    const outcome = await runDrill(drill, sandbox, more.patience);
    return { ...base(), engine, ...shown(outcome, lang) };
  } catch (error) {
    return { ...notRun('unexpected', { error: nameOf(error) }), result: 'failed' };
  } finally {
    await sandbox.end().catch(() => undefined);
  }
}

type Facts = Readonly<Record<string, string | number>>;
type NotRun = 'no-drill' | 'no-sandbox' | 'unexpected' | 'dry-run';

async function startContainers(
  drill: Drill,
  podman: boolean,
  at: { dir: string; names: readonly string[] },
): Promise<DrillContainers> {
  const real = podman && drill.wantsContainers ? await startPodmanContainers(at, process.env['PATH'] ?? '') : null;
  return real ?? startProcessContainers(at);
}

async function foretold(
  base: () => DrilledScenario,
  drill: Drill,
  { id, detectors }: IncidentType,
  sandbox: Sandbox,
  lang: Lang,
): Promise<DrilledScenario> {
  const { steps, state, code } = await sandbox.foretell(id, drill.subject(sandbox));
  const texts = playbookTexts(lang);
  const plan = {
    cause: say(lang, drill.cause),
    steps: steps.map(({ step, action, effects, reversible, approval, refusal }) => ({
      step: texts.step(step),
      action,
      effects: effects.map(({ to, ...effect }) => ({
        ...effect,
        // What people are told to do is shown in their language.
        ...(to === undefined ? {} : { to: action === 'command.manual' ? texts.instruction(step, to) : to }),
      })),
      reversible,
      approval,
      refusal: refusal ?? null,
    })),
    undo: steps
      .filter(({ undoable, effects, refusal }) => undoable && effects.length > 0 && refusal === undefined)
      .map(({ step }) => texts.step(step))
      .toReversed(),
    end: code === null ? state : `${state} ${code}`,
  };
  return { ...base(), detectors: [...detectors], why: why(lang, 'dry-run', {}), plan };
}

function shown({ result, why: because, checks, detectors, detectedMs, containedMs }: DrillOutcome, lang: Lang) {
  return {
    result,
    why: because === null ? null : why(lang, because.code, whyFacts(because.facts, checks, lang)),
    detector: detectors[0] ?? null,
    detectors: [...detectors],
    detectedMs,
    containedMs,
    checks: checks.map(({ phase, name, ok, facts = {} }) => ({
      phase,
      name,
      ok,
      text: textOf(lang, `drill.check.${name}`, facts),
      facts: { ...facts },
    })),
  };
}

/** The check that did not hold is told in words. */
function whyFacts(facts: Facts, checks: DrillOutcome['checks'], lang: Lang): Facts {
  const { check, phase, reason, step } = facts;
  const failed = checks.find(({ name, ok }) => name === check && !ok);
  return {
    ...facts,
    ...(check === undefined ? {} : { check: textOf(lang, `drill.check.${check}`, failed?.facts ?? {}) }),
    ...(step === undefined ? {} : { step: playbookTexts(lang).step(String(step)) }),
    ...(reason === undefined ? {} : { reason: textOf(lang, `drill.why.${reason}`, {}) }),
    ...(phase === undefined ? {} : { phase: textOf(lang, `drill.phase.${phase}`, {}) }),
  };
}

function why(lang: Lang, code: string, facts: Facts) {
  return { code, text: textOf(lang, `drill.why.${code}`, facts) };
}

function textOf(lang: Lang, key: string, facts: Readonly<Record<string, string | number | boolean>>): string {
  if (!Object.hasOwn(catalogues[lang], key)) return key;
  const filled = Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, String(fact)]));
  return say(lang, key as TextKey, filled);
}

function nameOf(error: unknown): string {
  if (error instanceof RempartError) return error.code;
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 200) : typeof error;
}
