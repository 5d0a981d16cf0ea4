// For tests: a responder killed at its boundaries and started again. What was acknowledged is there, once.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Incident } from '../platform/documents/incident.ts';
import { verifyJournal } from '../platform/journal/verify.ts';
import type { Detection } from './detectors/detector.ts';
import { actionStep, examplePlaybook, stepId } from './engine/example.ts';

const answer = examplePlaybook(
  {
    [stepId('action', 1)]: actionStep('example.note', { line: 'done' }, { on_completion: stepId('action', 2) }),
    [stepId('action', 2)]: actionStep('incident.mark', { moment: 'containedAt' }, { on_completion: stepId('end', 1) }),
    [stepId('end', 1)]: { type: 'end' },
  },
  { playbook_variables: { __incident__: { type: 'string', external: true } } },
);

/** Killed at each `stride`-th boundary from `first` on. */
export function testResponderCrashes(stride: number, first = 1): void {
  test(`createResponder() loses no acknowledged detection and answers it once, killed at ${stride === 1 ? 'every boundary' : `every ${stride}th boundary`}`, {
    timeout: 600_000,
  }, async () => {
    const root = mkdtempSync(join(tmpdir(), 'rempart-responder-crash-'));
    try {
      const whole = await child(prepared(root, 0), seen(), 0);
      assert.ok(whole.passed > 20, `${whole.passed} boundaries`);
      for (let killAt = first; killAt <= whole.passed; killAt += stride) {
        const dir = prepared(root, killAt);
        const before = await child(dir, seen(), killAt);
        assert.ok(before.killed, `killed at ${killAt} of ${whole.passed}`);
        const after = await child(dir, null, 0);
        await check(dir, after.incidents, before.acknowledged, `killed at ${killAt} of ${whole.passed}`);
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
}

function seen(): Detection {
  const now = Date.now();
  const when = { occurredAt: now - 5, detectedAt: now };
  return { detector: 'runtime', type: 'denial-of-service', subject: 'api', ...when, severity: 'high', facts: {} };
}

function prepared(root: string, name: number): string {
  const dir = join(root, String(name));
  mkdirSync(join(dir, 'playbooks'), { recursive: true });
  writeFileSync(join(dir, 'playbooks', 'denial-of-service.json'), answer.text);
  return dir;
}

async function check(dir: string, incidents: readonly Incident[], acknowledged: string | undefined, when: string) {
  assert.ok(incidents.length <= 1, when);
  if (acknowledged !== undefined) assert.equal(incidents[0]?.id, acknowledged, when);
  const effects = join(dir, 'effects');
  const lines = existsSync(effects) ? readFileSync(effects, 'utf8').split('\n').filter(Boolean) : [];
  assert.equal(lines.length, incidents.length, `${when}: ${lines.length} effects`);
  const { ok } = await verifyJournal({ dir: join(dir, 'journal') });
  assert.ok(ok, when);
  for (const { id, status, playbookRuns } of incidents) {
    assert.equal(status, 'contained', when);
    assert.deepEqual(playbookRuns, [{ run: `run_${id}`, playbook: playbookRuns[0]?.playbook, state: 'done' }], when);
    const told = recordsOf(join(dir, 'journal', 'respond')).filter(
      (line) => line.includes('"class_uid":2005') && line.includes(id),
    );
    assert.ok(told.length > 0, `${when}: the journal knows nothing of it`);
    assert.match(told.at(-1) ?? '', /"status":"contained"/, `${when}: the journal ends elsewhere than the store`);
  }
}

function recordsOf(folder: string): string[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  return files.sort().flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
}

interface Ended {
  passed: number;
  incidents: Incident[];
  acknowledged?: string;
  killed: boolean;
}

function child(dir: string, detection: Detection | null, killAt: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const file = join(import.meta.dirname, 'responder-child.ts');
    const args = [file, JSON.stringify({ dir, detection, killAt })];
    execFile(process.execPath, args, { timeout: 120_000 }, (error, stdout, stderr) => {
      const killed = error?.signal === 'SIGKILL';
      if (error !== null && !killed) return reject(new Error(stderr || error.message));
      const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
      const said = lines.map((line) => JSON.parse(line) as Partial<Ended>);
      resolve({ passed: 0, incidents: [], ...Object.assign({}, ...said), killed });
    });
  });
}
