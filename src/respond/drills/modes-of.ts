// Emergency modes as they stand on disk, past the instance that keeps them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Look, Sandbox } from './drill.ts';

export function modeIs({ data }: Sandbox, mode: string, on: boolean): Look {
  const file = join(data, 'modes.json');
  const { modes = {} } = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { modes?: Record<string, { until?: number } | undefined> })
    : {};
  const until = modes[mode]?.until ?? Number.POSITIVE_INFINITY;
  const isOn = modes[mode] !== undefined && until > Date.now();
  return { name: on ? 'mode-on' : 'mode-off', ok: isOn === on, facts: { mode } };
}
