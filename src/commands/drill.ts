// `rempart drill --scenario NAME|--all [--dry-run]`: an incident caused, detected, contained, undone and verified in a sandbox of its own.
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { LanesOptions } from '../app/drill-lanes.ts';
import type { Json } from '../platform/base/json.ts';
import { nearest } from '../platform/base/nearest.ts';
import { type DrillDocument, type DrilledScenario, drillSchema } from '../platform/documents/drill.ts';
import type { TextKey } from '../platform/i18n/say.ts';
import { findDrill } from '../respond/drills/drills.ts';
import { loadTaxonomy, type Taxonomy } from '../respond/taxonomy/load-taxonomy.ts';
import type { IncidentType } from '../respond/taxonomy/taxonomy.ts';
import { askRespond } from './ask-respond.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { drillLines, progressLine } from './drill-output.ts';

export const drill: Command = {
  name: 'drill',
  summary: 'drill.summary',
  options: {
    scenario: { type: 'string', value: 'NAME', summary: 'drill.flag.scenario' },
    all: { type: 'boolean', summary: 'drill.flag.all' },
    list: { type: 'boolean', summary: 'drill.flag.list' },
    'dry-run': { type: 'boolean', summary: 'drill.flag.dry-run' },
    keep: { type: 'string', value: 'DIR', summary: 'drill.flag.keep' },
  },
  more: 'drill.more',
  async run(input) {
    const taxonomy = loadTaxonomy();
    if (input.options['list'] === true) return list(input, taxonomy);
    const types = chosen(input, taxonomy);
    const document = await exercise(input, types);
    if (input.signal.aborted) return 130;
    if (input.json) input.stdout.write(`${JSON.stringify(document)}\n`);
    else input.stdout.write(`${drillLines(document, input.say).join('\n')}\n`);
    if (!document.dryRun) await remember(input, document);
    return document.failed > 0 ? 1 : 0;
  },
};

/** Throws ERR_USAGE, with the name that was probably meant. */
function chosen(input: CommandInput, { all, find }: Taxonomy): readonly IncidentType[] {
  const { scenario } = input.options;
  if (input.options['all'] === true) {
    if (scenario !== undefined) throw usageError(input, 'drill', 'drill.usage.both');
    return all;
  }
  if (typeof scenario !== 'string') throw usageError(input, 'drill', 'drill.usage.none');
  const type = find(scenario.toLowerCase());
  if (type !== undefined) return [type];
  const known = all.map((one) => one.drill);
  const wanted = scenario.replaceAll('-', '_');
  throw usageError(input, 'drill', 'drill.usage.unknown', { given: scenario, nearest: nearest(wanted, known) });
}

async function exercise(input: CommandInput, types: readonly IncidentType[]): Promise<DrillDocument> {
  const { say, lang, env, signal, stderr, options } = input;
  const { runLanes } = await import('../app/drill-lanes.ts');
  const startedAt = new Date().toISOString();
  const dryRun = options['dry-run'] === true;
  const lanes = Math.min(types.length, availableParallelism() + 2, 6);
  if (types.length > 1) stderr.write(`${say('drill.begin', { count: types.length, lanes })}\n`);
  const given = options['keep'];
  const drilled = await runLanes(
    types.map((type) => type.drill),
    {
      ...{ dryRun, lang, lanes, signal, podman: true },
      ...(typeof given === 'string' ? { keep: resolve(given) } : {}),
      path: env['PATH'] ?? '',
      alone: (scenario) => findDrill(scenario.replaceAll('_', '-'))?.alone === true,
      lost: lostBy(types, input),
      onDone: (done) => void stderr.write(`${progressLine(done, dryRun, say)}\n`),
    },
  );
  const count = (result: DrilledScenario['result']) => drilled.filter((one) => one.result === result).length;
  return drillSchema.parse({
    schema: 'rempart/drill@1',
    dryRun,
    startedAt,
    finishedAt: new Date().toISOString(),
    scenarios: drilled,
    passed: count('passed'),
    failed: count('failed'),
    notRun: count('not-run'),
  } satisfies DrillDocument);
}

/** What is said of a drill whose process ended. */
function lostBy(types: readonly IncidentType[], { say, lang }: CommandInput): LanesOptions['lost'] {
  return (scenario, code) => {
    const type = types.find((one) => one.drill === scenario);
    return {
      scenario,
      type: type?.id ?? scenario,
      level: type?.level ?? 1,
      title: type?.title[lang] ?? scenario,
      result: 'failed',
      why: { code, text: say(`drill.why.${code}`) },
      detector: null,
      detectors: [],
      playbook: type?.playbook ?? '',
      engine: null,
      startedAt: new Date().toISOString(),
      tookMs: 0,
      detectedMs: null,
      containedMs: null,
      checks: [],
      plan: null,
    };
  };
}

/** In the journal and the store of the data directory, where the KPIs find it. */
async function remember(input: CommandInput, document: DrillDocument): Promise<void> {
  await askRespond(input, 'drill.record', { document: document as unknown as Json }, { making: true });
}

interface LastDrill {
  scenario: string;
  result: string;
  at: number;
}

async function list(input: CommandInput, { all }: Taxonomy): Promise<number> {
  const { say, lang, stdout } = input;
  const { last, next } = await known(input);
  const rows = all.map((type) => {
    const found = last.find(({ scenario }) => scenario === type.drill);
    return {
      scenario: type.drill,
      type: type.id,
      level: type.level,
      title: type.title[lang],
      exists: findDrill(type.id) !== undefined,
      last: found === undefined ? null : { result: found.result, at: new Date(found.at).toISOString() },
    };
  });
  const nextAt = next === null ? null : new Date(next).toISOString();
  if (input.json) {
    stdout.write(`${JSON.stringify({ schema: 'rempart/drills@1', next: nextAt, drills: rows })}\n`);
    return 0;
  }
  const width = Math.max(...rows.map(({ scenario }) => scenario.length));
  for (const { scenario, level, title, exists, last: before } of rows) {
    const state =
      before === null
        ? say(exists ? 'drill.list.never' : 'drill.list.missing')
        : say('drill.list.last', {
            result: say(`drill.result.${before.result}` as TextKey),
            date: before.at.slice(0, 10),
          });
    stdout.write(`${scenario.padEnd(width)}  ${say('drill.list.row', { level, title, state })}\n`);
  }
  stdout.write(`${nextAt === null ? say('drill.list.unscheduled') : say('drill.list.next', { date: nextAt })}\n`);
  return 0;
}

/** Nothing was drilled where there is no data directory yet. */
async function known(input: CommandInput): Promise<{ last: LastDrill[]; next: number | null }> {
  try {
    return (await askRespond(input, 'drill.last', {})) as unknown as { last: LastDrill[]; next: number | null };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_DATA_MISSING') return { last: [], next: null };
    throw error;
  }
}
