// What the journal tells of who changed what: each record of a change, by the area that it concerns.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DriftArea } from '../../../platform/documents/drift.ts';
import { segmentPattern } from '../../../platform/journal/chain.ts';
import { linesOf } from '../../../platform/journal/lines.ts';
import { readRecord } from '../../../platform/journal/record.ts';

export interface Deed {
  time: number;
  by: string;
  area: DriftArea;
  /** Which keys it concerned; null where the record does not say. */
  keys: readonly string[] | null;
}

interface Event {
  api?: { operation?: unknown };
  actor?: { user?: { name?: unknown } };
  status_id?: unknown;
  unmapped?: { posture?: { models?: unknown; model?: unknown; keys?: unknown } };
}

/** In the order of time. Reads every stream; a record that cannot be read tells nothing. */
export async function whoChanged(journal: string, since: number): Promise<Deed[]> {
  const deeds: Deed[] = [];
  if (!existsSync(journal)) return deeds;
  for (const stream of readdirSync(journal, { withFileTypes: true })) {
    if (!stream.isDirectory()) continue;
    const folder = join(journal, stream.name);
    for (const segment of readdirSync(folder).filter((name) => segmentPattern.test(name)))
      for await (const { bytes } of linesOf(join(folder, segment))) {
        const read = readRecord(bytes);
        const deed =
          read.kind === 'record' && read.record.time > since ? deedOf(read.record.time, read.record.event) : undefined;
        if (deed !== undefined) deeds.push(deed);
      }
  }
  return deeds.sort((a, b) => a.time - b.time);
}

function deedOf(time: number, event: Event): Deed | undefined {
  const { api, actor, status_id, unmapped } = event;
  const { operation } = api ?? {};
  const by = actor?.user?.name;
  if (typeof operation !== 'string' || typeof by !== 'string' || status_id !== 1) return undefined;
  const about = unmapped?.posture ?? {};
  if (operation === 'models trust') return { time, by, area: 'models', keys: textsOf(about.models) };
  if (/^(config|settings) /.test(operation)) return { time, by, area: 'config', keys: textsOf(about.keys) };
  return undefined;
}

function textsOf(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : null;
}
