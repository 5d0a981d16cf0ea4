// `rempart gameday PLAN`: several failures on a schedule, with roles, and a debrief sheet at the end.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { debrief } from '../simulate/gameday/debrief.ts';
import { gameDayDocument } from '../simulate/gameday/document.ts';
import { type GameDayPlan, loadGameDay } from '../simulate/gameday/plan.ts';
import { type PlayedStep, runGameDay } from '../simulate/gameday/run-game-day.ts';
import { renderPage } from '../simulate/report/html.ts';
import { renderText } from '../simulate/report/markdown.ts';
import { computeReport, rubricName, writeReport } from '../simulate/report/write-report.ts';
import { runSimulation } from '../simulate/scenarios/run-simulation.ts';
import { parseRubric } from '../simulate/scoring/rubric.ts';
import { refuseStrangers } from '../simulate/targets/loopback.ts';
import { loadProfile } from '../simulate/targets/profile.ts';
import type { Command, CommandInput } from './command.ts';
import { tellProgress } from './simulate-output.ts';

const root = join(import.meta.dirname, '..', '..');
const rubricFile = join(root, 'scenarios', 'rubric.yaml');

export const gameday: Command = {
  name: 'gameday',
  summary: 'report.gameday.summary',
  positionals: { name: 'PLAN' },
  options: {
    out: { type: 'string', value: 'DIR', summary: 'report.gameday.out' },
    'allow-load': { type: 'boolean', summary: 'simulate.cli.allow-load' },
    'dry-run': { type: 'boolean', summary: 'simulate.cli.dry-run' },
    responsible: { type: 'string', value: 'NAME', summary: 'simulate.cli.responsible' },
    'i-am-authorised': { type: 'string', value: 'TEXT', summary: 'simulate.cli.authorised' },
  },
  async run(input) {
    const plan = loadGameDay(input.args[0] ?? '');
    if (input.options['dry-run'] === true) {
      input.stdout.write(renderText(debrief(plan, [], input.lang)));
      return 0;
    }
    const given = input.options['out'];
    const out = typeof given === 'string' ? given : join(input.data, 'gamedays', stamp());
    // What a target said is for those who played.
    mkdirSync(out, { recursive: true, mode: 0o700 });
    const played = await play(input, plan, out);
    const sheet = debrief(plan, played, input.lang);
    writeFileSync(join(out, 'debrief.html'), renderPage(sheet), { mode: 0o600 });
    writeFileSync(join(out, 'debrief.md'), renderText(sheet), { mode: 0o600 });
    if (input.json) input.stdout.write(`${JSON.stringify(gameDayDocument(plan, played))}\n`);
    input.stderr.write(`${input.say('report.gameday.written', { file: join(out, 'debrief.html') })}\n`);
    if (input.signal.aborted) return 130;
    if (played.some(({ doc }) => !doc.restored) || played.length < plan.steps.length) return 1;
    return played.every(({ doc }) => doc.assessable === 0) ? 3 : 0;
  },
};

function play(input: CommandInput, plan: GameDayPlan, out: string): Promise<PlayedStep[]> {
  const { say, lang, env, signal, options, stderr } = input;
  const profile = loadProfile(plan.target ?? join(root, 'targets', 'builtin.yaml'));
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : null);
  const authorisation = text('i-am-authorised');
  if (authorisation === null) refuseStrangers(profile);
  return runGameDay(plan, {
    signal,
    onStep: (step, index, waitsMs) => {
      const facts = { index: index + 1, count: plan.steps.length, seconds: Math.round(waitsMs / 1000) };
      stderr.write(
        `${say('report.gameday.step', { ...facts, scenario: say(`simulate.scenario.${step.scenario}`) })}\n`,
      );
      if (step.brief !== null) stderr.write(`  ${step.brief}\n`);
    },
    simulate: async (step, name) => {
      const dir = join(out, name);
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      writeFileSync(join(dir, rubricName), readFileSync(rubricFile), { mode: 0o600 });
      const { stopped } = await runSimulation({
        profile,
        scenarios: [step.scenario],
        methods: step.methods,
        pace: plan.pace,
        runs: 1,
        seed: plan.seed,
        allow: { load: options['allow-load'] === true },
        responsible: text('responsible'),
        authorisation,
        // People are at work around it: a target that is unwell by itself ends the day.
        stopWhen: 50,
        lang,
        say,
        rubric: parseRubric(readFileSync(rubricFile, 'utf8')),
        out: dir,
        undoDir: resolve(input.data, 'undo'),
        env,
        signal,
        onProgress: (progress) => tellProgress(input, progress),
      });
      const report = computeReport(dir);
      writeReport(dir, report);
      return { doc: report.doc, stopped };
    },
  });
}

function stamp(): string {
  return new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
}
