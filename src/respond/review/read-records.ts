// Records of one stream of the journal, in order, each checked against its own hash.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { segmentPattern } from '../../platform/journal/chain.ts';
import { linesOf } from '../../platform/journal/lines.ts';
import { readRecord } from '../../platform/journal/record.ts';
import type { KpiRecord } from './kpis.ts';

/** An instance may write meanwhile: its last line may be there in part, which is no damage. */
export async function readRecords(dir: string, stream: string): Promise<{ records: KpiRecord[]; unreadable: number }> {
  const folder = join(dir, stream);
  const records: KpiRecord[] = [];
  let unreadable = 0;
  const segments = existsSync(folder) ? readdirSync(folder).filter((name) => segmentPattern.test(name)) : [];
  for (const segment of segments.sort())
    for await (const { bytes, complete } of linesOf(join(folder, segment))) {
      const read = readRecord(bytes);
      if (read.kind === 'record') records.push({ time: read.record.time, event: read.record.event });
      else if (complete) unreadable++;
    }
  return { records, unreadable };
}
