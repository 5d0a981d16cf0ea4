// For tests: a deployment's states in a folder of their own, with a clock that moves when told.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deploymentSchema } from '../../platform/documents/deployment.ts';
import { type BackupSettings, createBackups, defaultBackups } from './backups.ts';
import { type NamedState, statesOf } from './named-state.ts';

export const hour = 3_600_000;
export const day = 24 * hour;
export const began = Date.parse('2026-03-10T12:00:00.000Z');

export function stateRig(states: readonly object[], settings: Partial<BackupSettings> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-states-'));
  const data = join(folder, '.rempart');
  mkdirSync(data);
  const profile = deploymentSchema.parse({
    name: 'rig',
    services: [{ name: 'core', role: 'core', order: 1 }],
    states,
  });
  const clock = { time: began };
  const now = () => clock.time;
  const named = statesOf(profile, folder, data);
  const backups = createBackups({ states: named, data, now, settings: { ...defaultBackups, ...settings } });
  const state = (name: string): NamedState => {
    const found = named.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no state ${name}`);
    return found;
  };
  return {
    folder,
    data,
    profile,
    clock,
    now,
    backups,
    state,
    parts: { backups, data, now },
    path: (...parts: string[]) => join(folder, ...parts),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
