// The actions that only look at containers: logs kept, audits, health; and what any of them says when the engine is away.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { carryOut, withRig } from './actions.fixture.ts';
import { contextFor, secretOfProcess } from './engine.fixture.ts';

test('containers.save-logs keeps what was written in files of its owner only, however the incident is called', () =>
  withRig(async (rig) => {
    rig.containers.get('guest')!.log = 'hello\n';
    const context = contextFor('k'.repeat(40), { incident: '../../etc/\u001b[31m' });
    const { done, probe } = await carryOut(rig, 'containers.save-logs', { select: { container: 'guest' } }, context);
    const [folder] = readdirSync(rig.evidenceDir);
    assert.match(folder ?? '', /^etc-31m-[0-9a-f]{10}$/);
    const [kept] = done.evidence!['logs'] as { file: string; sha256: string; bytes: number }[];
    const file = join(rig.evidenceDir, kept?.file ?? '');
    assert.equal(readFileSync(file, 'utf8'), 'hello\n');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(kept?.sha256, '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03');
    rig.containers.get('guest')!.log = 'forged\n';
    assert.deepEqual(await probe(), { state: 'done', done: { evidence: done.evidence } });
  }));

test('containers.audit keeps what a container holds without the secrets of its processes', () =>
  withRig(async (rig) => {
    const { done } = await carryOut(rig, 'containers.audit', { select: { services: ['core'] } });
    const [audit] = done.evidence!['audits'] as { file: string; asRoot: number; changes: number; sockets: null }[];
    assert.deepEqual([audit?.asRoot, audit?.changes, audit?.sockets], [1, 1, null]);
    const text = readFileSync(join(rig.evidenceDir, audit?.file ?? ''), 'utf8');
    const report = JSON.parse(text);
    assert.match(report.processes[0].command, /^app --token /);
    assert.ok(!text.includes(secretOfProcess));
    assert.equal(report.changes.shown[0].path, '/etc/passwd');
  }));

test('health.check answers false for one that is paused, unhealthy or away, and true when all are well', () =>
  withRig(async (rig) => {
    const out = async (select: object) =>
      (await carryOut(rig, 'health.check', { select }, contextFor('key', { outArgs: ['__well__'] }))).done.out;
    assert.deepEqual(await out({ roles: ['monitoring', 'core'] }), { __well__: 'true' });
    rig.containers.get('watch')!.health = 'unhealthy';
    assert.deepEqual(await out({ roles: ['monitoring', 'core'] }), { __well__: 'false' });
    rig.containers.get('watch')!.health = '';
    rig.containers.get('watch')!.state = 'paused';
    assert.deepEqual(await out({ services: ['watch'] }), { __well__: 'false' });
    rig.containers.delete('watch');
    assert.deepEqual(await out({ services: ['watch'] }), { __well__: 'false' });
    assert.deepEqual(await out({ services: ['llm-host'] }), { __well__: 'false' });
    assert.deepEqual(await out({ roles: ['data'] }), { __well__: 'false' });
  }));

test('the actions upon containers answer unknown to a probe when the engine is away', () =>
  withRig(async (rig) => {
    const { probe } = await carryOut(rig, 'containers.kill', { select: { container: 'guest' } });
    rig.fail = { path: /./, status: 500 };
    assert.deepEqual(await probe(), { state: 'unknown' });
  }));
