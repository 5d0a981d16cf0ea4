// That drills can fail: with an action that does nothing, and with nobody watching, and that a dry run causes nothing.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { drilledScenarioSchema } from '../platform/documents/drill.ts';
import { type DrillOnceOptions, drillOnce } from './drill-once.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-once-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function drill(scenario: string, dir: string, options: DrillOnceOptions & { dryRun?: boolean } = {}) {
  const { dryRun = false, ...more } = options;
  const order = { scenario, dryRun, lang: 'en' as const, dir: join(folder, dir), podman: false };
  return drilledScenarioSchema.parse(await drillOnce(order, new AbortController().signal, more));
}

test('drillOnce() fails when an action only says that it acted', async () => {
  const { result, why, checks, detectedMs, containedMs } = await drill('prompt_injection', '1', {
    patience: { detectMs: 30_000, containMs: 10_000, restoreMs: 10_000 },
    respondWith: (actions) =>
      actions.map((action) =>
        action.name === 'sessions.quarantine' ? { ...action, act: async () => ({ evidence: { done: true } }) } : action,
      ),
  });
  assert.equal(result, 'failed');
  assert.equal(containedMs, null);
  assert.notEqual(detectedMs, null);
  assert.match(why?.code ?? '', /^(not-contained|waits)$/);
  const ok = Object.fromEntries(checks.map((check) => [check.name, check.ok]));
  assert.deepEqual([ok['attacker-shut-out'], ok['others-served'], ok['marked-contained']], [false, true, true]);
});

test('drillOnce() fails when the detector is switched off', async () => {
  const { result, why, detector } = await drill('prompt_injection', '2', {
    patience: { detectMs: 2_000, containMs: 1_000, restoreMs: 1_000 },
    configured: (config) => {
      const { respond, ...rest } = config as { respond: { detectors: object } };
      return { ...rest, respond: { ...respond, detectors: { ...respond.detectors, signals: { on: false } } } };
    },
  });
  assert.deepEqual([result, why?.code, detector], ['failed', 'not-detected', null]);
});

test('drillOnce() with a dry run tells what would be caused, done and undone, and does nothing of it', async () => {
  const { result, why, plan, checks } = await drill('state_corruption', '3', { dryRun: true });
  assert.deepEqual([result, why?.code, checks], ['not-run', 'dry-run', []]);
  assert.match(plan?.cause ?? '', /state file is cut off/);
  const stop = plan?.steps.find(({ action }) => action === 'containers.stop');
  assert.deepEqual(
    stop?.effects.map(({ target }) => target),
    ['drill-core'],
  );
  assert.ok(plan?.undo.includes(stop?.step ?? '?'));
  const state = join(folder, '3', 'protected', 'states', 'modules.json');
  assert.equal(existsSync(state) && JSON.parse(readFileSync(state, 'utf8')).version, 1);
});
