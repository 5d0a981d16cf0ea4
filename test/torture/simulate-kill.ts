// kill -9 of the simulator, of its keeper too, or Ctrl-C, at random moments of a method of each scenario: whatever was broken comes back.
// The seed is printed; give it again with REMPART_TORTURE_SEED to repeat a run, and the number of rounds with REMPART_TORTURE_ROUNDS.
import assert from 'node:assert/strict';
import { existsSync, globSync, linkSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { methodPlans } from '../../src/simulate/scenarios/methods.ts';
import { randomFrom } from '../../src/simulate/standin/random.ts';
import { run, start, until } from '../instance.ts';
import { isUsable, lives, sturdyPlace, undoEntries } from '../simulate-rig.ts';

/** All but what needs a database server. */
const methods = methodPlans
  .filter(({ method }) => method !== 'connections-exhausted')
  .map(({ scenario, method }) => [scenario, method] as const);
const deaths = ['interrupted', 'killed', 'killed with its keeper'] as const;
const seed = Number(process.env['REMPART_TORTURE_SEED'] ?? Date.now() % 2 ** 31);
const rounds = Number(process.env['REMPART_TORTURE_ROUNDS'] ?? 1);
const random = randomFrom(seed);
console.log(`seed ${seed}, ${rounds} rounds`);

/** Leases end at the latest after the method's longest time and ten seconds; restoring takes a few more. */
const backWithinMs = 30_000;

for (let round = 1; round <= rounds; round++) {
  for (const [scenario, method] of methods) {
    for (const death of deaths) {
      const afterMs = Math.floor(random() * 8000);
      test(`round ${round}: ${scenario}/${method} ${death} after ${afterMs} ms leaves nothing broken`, () =>
        ordeal(scenario, method, death, afterMs));
    }
  }
}

async function ordeal(scenario: string, method: string, death: (typeof deaths)[number], afterMs: number) {
  const place = sturdyPlace();
  const data = join(place.dir, 'data');
  const args = [scenario, '--method', method, '--target', 'sturdy.yaml', '--allow-load', '--data', data];
  const running = start(['simulate', ...args], { cwd: place.dir, env: place.env });
  try {
    await Promise.race([sleep(afterMs), running.ended]);
    const databases = keepDatabases(place.dir);
    const keeper = readKeeper(data);
    const helpers = undoEntries(data).flatMap((entry) => (entry.kind === 'process' ? [entry] : []));
    if (death === 'interrupted') running.child.kill('SIGINT');
    else {
      if (death === 'killed with its keeper' && keeper !== null && lives(keeper)) process.kill(keeper.pid, 'SIGKILL');
      running.child.kill('SIGKILL');
    }
    await running.ended;
    if (death === 'killed with its keeper') await nextStart(place, data);
    const everyone = [...(keeper === null ? [] : [keeper]), ...helpers];
    await until(() => !everyone.some(lives) && undoEntries(data).length === 0, backWithinMs);
    const late = readKeeper(data);
    if (late !== null) await until(() => !lives(late), backWithinMs);
    for (const file of databases) assert.ok(isUsable(file) || isEmpty(file), file);
    // A simulator killed before it could say which folder is its own leaves an empty one.
    const left = globSync(join(place.dir, 'rempart-run-*/*'));
    assert.deepEqual(left, []);
  } finally {
    running.child.kill('SIGKILL');
    place.remove();
  }
}

/** A second name of each database's file, which lives on when the work folder is removed. */
function keepDatabases(dir: string): string[] {
  return globSync(join(dir, 'rempart-run-*/m*/db-*/target.sqlite')).flatMap((file, index) => {
    const kept = join(dir, `kept-${index}.sqlite`);
    try {
      linkSync(file, kept);
      return [kept];
    } catch {
      return []; // the run came to its end at this moment
    }
  });
}

/** A run whose only method is over at once: what matters is what it does first. */
async function nextStart(place: ReturnType<typeof sturdyPlace>, data: string) {
  const args = ['overload', '--method', 'cpu', '--target', 'sturdy.yaml', '--data', data];
  const { code, stderr } = await run(['simulate', ...args], { cwd: place.dir, env: place.env });
  assert.equal(code, 3, stderr);
}

/** Killed before the first message was stored: then there is nothing that could be missing. */
function isEmpty(file: string): boolean {
  return !readFileSync(file).includes('CORRUPTED DATA') && !readFileSync(file).includes('my reference');
}

function readKeeper(data: string): { pid: number; startTime: string | null } | null {
  const file = join(data, 'undo', 'keeper.json');
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startTime: string | null };
  } catch {
    return null; // it is being written
  }
}
