// For tests: every shipped playbook at once in a process that is killed at boundary after boundary, and what must be true of it afterwards.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Json } from '../src/platform/base/json.ts';
import { openStore, type StoreLocation } from '../src/platform/store/store.ts';
import { createRunLog } from '../src/respond/engine/run-log.ts';
import { loadPlaybooks } from '../src/respond/playbooks/library.ts';
import { undoStep } from '../src/respond/playbooks/playbook.ts';
import { actionsIn } from '../src/respond/playbooks/playbook-commands.ts';

export interface CrashSettings {
  /** Boundaries between two kills; 1 kills at each of them. */
  stride: number;
  /** Names of actions that are on; none: people do everything by hand. */
  enabled: string[];
}

const { all } = await loadPlaybooks();
const actions = [...new Set(all.flatMap(({ read }) => actionsIn(read.playbook)))].filter((name) => name !== undoStep);
const child = join(import.meta.dirname, 'respond-playbooks-child.ts');

export function testCrashes(name: string, locate: () => StoreLocation, { stride, enabled }: CrashSettings): void {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-playbooks-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const how = enabled.length > 0 ? 'with every action on' : 'by hand';

  test(`every shipped playbook ${how} goes on after kill -9 on ${name}: no step lost, no effect twice`, async (t) => {
    const store = await openStore(locate());
    const runs = createRunLog(store);
    const fresh = startedAhead();
    try {
      const whole = await start('whole');
      await until(whole, 0);
      const crashed = await start('crashed');
      let kills = 0;
      // Before a record, then after it: at each boundary once, and each second process brings the runs on.
      while (await until(crashed, stride > 1 ? stride : 1 + (kills % 2))) {
        kills++;
        assert.ok(kills < 5_000, 'the runs come to an end');
        // The lease of the one that was killed: waited for elsewhere, here simply over.
        await store.db.updateTable('respond_runs').set({ free_at: 0 }).where('state', '=', 'running').execute();
      }
      t.diagnostic(`${kills} kills, each of all ${all.length} playbooks`);
      for (const playbook of all) {
        const expected = effectsOf(whole, playbook.name);
        const found = effectsOf(crashed, playbook.name);
        assert.equal((await runs.find(crashed.idOf(playbook.name)))?.state, 'done', playbook.name);
        assert.deepEqual(found.names, expected.names, `${playbook.name}: the same effects as without a crash`);
        assert.equal(new Set(found.lines).size, found.lines.length, `${playbook.name}: none twice`);
        assert.ok(found.lines.length > 2, `${playbook.name} did something`);
      }
    } finally {
      fresh.end();
      await store.close();
    }

    async function start(label: string) {
      const idOf = (playbook: string) => `run_${name}-${how}-${label}-${playbook}`.replaceAll(' ', '-');
      for (const playbook of all)
        await runs.create({
          id: idOf(playbook.name),
          playbook: playbook.read.playbook.id,
          playbookName: playbook.read.playbook.name,
          playbookHash: playbook.read.hash,
          playbookText: unhurried(playbook.text),
          incident: null,
          given: { __subject__: '192.0.2.1', ...(playbook.text.includes('__state__') ? { __state__: 'memory' } : {}) },
          requestedBy: 'rempart',
        });
      return { idOf, file: join(folder, label) };
    }

    /** True when the process was killed, false when all runs had ended. */
    async function until({ idOf, file }: Started, killAt: number): Promise<boolean> {
      const process = fresh.next();
      const order = { location: locate(), file, actions, enabled, runs: all.map((one) => idOf(one.name)), killAt };
      process.stdin?.write(`${JSON.stringify(order)}\n`);
      const signal = await new Promise((resolve) => process.once('exit', (_code, by) => resolve(by)));
      return signal === 'SIGKILL';
    }
  });
}

interface Started {
  idOf(playbook: string): string;
  file: string;
}

function effectsOf({ idOf, file }: Started, playbook: string): { names: string[]; lines: string[] } {
  const lines = (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []).filter((line) =>
    line.startsWith(`${idOf(playbook)} `),
  );
  return { lines, names: lines.map((line) => line.split(' ')[1] ?? '').sort() };
}

/** As shipped, but nothing waits, and no machine is too slow. */
function unhurried(text: string): string {
  return JSON.stringify(
    JSON.parse(text, (key: string, value: Json) => (key === 'delay' ? 1 : key === 'timeout' ? 2_000_000_000 : value)),
  );
}

/** The next process loads while the one before still works. */
function startedAhead() {
  const begin = () => spawn(process.execPath, [child], { stdio: ['pipe', 'ignore', 'inherit'] });
  let next: ChildProcess = begin();
  return {
    next() {
      const current = next;
      next = begin();
      return current;
    },
    end: () => void next.kill(),
  };
}
