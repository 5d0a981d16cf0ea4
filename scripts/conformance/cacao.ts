// CACAO v2.0: our playbooks against the OASIS schemas in DIR/cacao/schemas, and the public playbooks in DIR/cacao/playbooks, each run or refused with the reason.
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import formats from 'ajv-formats';
import { z } from 'zod';
import { explainError, RempartError } from '../../src/platform/base/errors.ts';
import { sayer } from '../../src/platform/i18n/say.ts';
import { openStore } from '../../src/platform/store/store.ts';
import { type Action, createActions } from '../../src/respond/engine/action.ts';
import { createAllowance, defaultAllowance } from '../../src/respond/engine/allowance.ts';
import { createEngine, type Engine } from '../../src/respond/engine/engine.ts';
import { createRunLog } from '../../src/respond/engine/run-log.ts';
import { createTasks } from '../../src/respond/engine/tasks.ts';
import { loadPlaybooks } from '../../src/respond/playbooks/library.ts';
import type { Problem } from '../../src/respond/playbooks/lint.ts';
import { commandTypes } from '../../src/respond/playbooks/lint-action.ts';
import { type ReadPlaybook, readPlaybook } from '../../src/respond/playbooks/read-playbook.ts';
import type { Checked } from './sarif.ts';

const say = sayer('en');

/** Ours: the schema of OASIS and our own linter find nothing. */
export async function checkCacao(dir: string): Promise<Checked> {
  const what = 'CACAO 2.0, our playbooks';
  const schemas = join(dir, 'cacao', 'schemas');
  if (!existsSync(schemas)) return { what, checked: 0, problems: [`${schemas} is not there`] };
  const validate = compile(schemas);
  const { all, refused } = await loadPlaybooks();
  const problems = refused.map(({ file, problems: found }) => `${file}: ${found.map(sentence).join(' ')}`);
  for (const { name, text, read } of all) {
    if (!validate(JSON.parse(text))) problems.push(...said(validate).map((one) => `${name}: ${one}`));
    problems.push(...read.problems.map((problem) => `${name}: ${sentence(problem)}`));
  }
  // A schema that lets everything pass would prove nothing.
  const [first] = all;
  if (first !== undefined && validate({ ...JSON.parse(first.text), priority: 101, odd: true }))
    problems.push('the schema lets an odd playbook pass');
  return { what, checked: all.length, problems };
}

/** Others': each is carried out with commands that do nothing, or refused with the exact reason. */
export async function checkPublicCacao(dir: string): Promise<Checked> {
  const what = 'CACAO 2.0, public playbooks';
  const folder = join(dir, 'cacao', 'playbooks');
  if (!existsSync(folder)) return { what, checked: 0, problems: [`${folder} is not there`] };
  const validate = compile(join(dir, 'cacao', 'schemas'));
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  const harmless = await openHarmless();
  const lines: string[] = [];
  const problems: string[] = [];
  try {
    for (const file of files.sort()) {
      const text = readFileSync(join(folder, file), 'utf8');
      const fitsSchema = isJson(text) && validate(JSON.parse(text));
      const { verdict, why } = await judged(harmless.engine, text, file);
      lines.push(`${file} | schema ${fitsSchema ? 'yes' : 'no'} | ${verdict}${why === '' ? '' : ` | ${why}`}`);
      if (verdict === 'refused' && why === '') problems.push(`${file}: refused without a reason`);
      if (verdict === 'no end') problems.push(`${file}: came to no end`);
    }
  } finally {
    await harmless.close();
  }
  const count = (verdict: string) => lines.filter((line) => line.includes(`| ${verdict}`)).length;
  lines.push(`${count('ran')} ran, ${count('refused')} refused`);
  return { what, checked: files.length, problems, lines };
}

async function judged(engine: Engine, text: string, file: string): Promise<{ verdict: string; why: string }> {
  let read: ReadPlaybook | Problem[];
  try {
    read = readPlaybook(text, file);
  } catch (error) {
    return { verdict: 'refused', why: explained(error) };
  }
  const errors = (Array.isArray(read) ? read : read.problems).filter(({ severity }) => severity === 'error');
  if (Array.isArray(read) || errors.length > 0) return { verdict: 'refused', why: errors.map(sentence).join(' ') };
  try {
    const run = await engine.start({ read, text, incident: null, requestedBy: 'conformance' });
    const { state, code } = await engine.ended(run.id, AbortSignal.timeout(60_000));
    return { verdict: `ran, ${state}`, why: code === null ? '' : explained(new RempartError(code as never)) };
  } catch (error) {
    return error instanceof RempartError
      ? { verdict: 'refused', why: explained(error) }
      : { verdict: 'no end', why: '' };
  }
}

function explained(error: unknown): string {
  if (!(error instanceof RempartError)) throw error;
  return `${explainError(error, 'en').says.replace(/\{\w+\}/g, '…')} (${error.code})`;
}

function sentence({ at, rule, facts }: Problem): string {
  return `${at}: ${say(rule, facts)}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Says draft 7 and uses a keyword of 2019; the one place where that keyword closes an object too early is opened. */
function compile(folder: string): ValidateFunction {
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  formats.default(ajv);
  for (const file of globSync('**/*.json', { cwd: folder })) {
    const { $schema: _, ...schema } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
    if (file.endsWith('command-data.json')) delete schema['unevaluatedProperties'];
    ajv.addSchema(schema, file);
  }
  const { $id } = JSON.parse(readFileSync(join(folder, 'playbook.json'), 'utf8')) as { $id: string };
  const validate = ajv.getSchema($id);
  if (validate === undefined) throw new Error(`${folder}/playbook.json has no usable $id`);
  return validate as ValidateFunction;
}

function said({ errors }: ValidateFunction): string[] {
  return (errors ?? []).slice(0, 5).map(({ instancePath, message = '' }) => `${instancePath || '/'} ${message}`);
}

/** An engine whose commands are read and answered, and do nothing. */
async function openHarmless(): Promise<{ engine: Engine; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-cacao-'));
  const store = await openStore({ path: join(folder, 'store.sqlite') });
  const silent = () => undefined;
  const engine = createEngine(
    {
      store,
      runs: createRunLog(store),
      tasks: createTasks(store),
      actions: createActions(commandTypes.map(doesNothing)),
      allowance: createAllowance({ ...defaultAllowance, perWindow: {}, enabled: ['*'] }, Date.now),
      log: { debug: silent, info: silent, warn: silent, error: silent },
      now: Date.now,
      tell: async () => undefined,
      tellRun: async () => undefined,
      findPlaybook: async (name) => {
        throw new RempartError('ERR_PLAYBOOK_UNKNOWN', { name });
      },
    },
    { leaseMs: 5_000, everyMs: 10, most: 4 },
  );
  return {
    engine,
    async close() {
      await engine.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function doesNothing(type: string): Action {
  return {
    name: `command.${type}`,
    class: 'observe',
    args: z.record(z.string(), z.unknown()),
    plan: async () => ({ effects: [], reversible: true, before: {} }),
    probe: async () => ({ state: 'not-done' }),
    act: async (_args, { outArgs }) => ({ out: Object.fromEntries(outArgs.map((name) => [name, ''])) }),
  };
}
