// What a rollback has done so far, on disk before each step: shown while it goes on, and read back to undo it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import { writeWhole } from '../../platform/base/write-whole.ts';
import { rollbackSchema } from '../../platform/documents/rollback.ts';

const decision = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('backup'), id: z.string() }),
  z.strictObject({ kind: z.literal('minimal'), at: z.number() }),
]);

const recordSchema = rollbackSchema.omit({ dryRun: true, undo: true, schema: true }).extend({
  schema: z.literal('rempart/rollback-run@1'),
  run: z.string(),
  decisions: z.record(z.string(), decision),
  /** Services that were running and were stopped. */
  stopped: z.array(z.string()),
});
export type RunRecord = z.output<typeof recordSchema>;

const runName = /^rb-[0-9A-Za-z-]{1,60}$/;

export const isRunName = (run: string): boolean => runName.test(run);
const folderOf = (data: string) => join(data, 'rollback');
export const runFile = (data: string, run: string) => join(folderOf(data), `${run}.json`);

export function writeRun(data: string, record: RunRecord): void {
  writeWhole(runFile(data, record.run), [`${JSON.stringify(record, null, 1)}\n`]);
}

/** Throws ERR_ROLLBACK_UNKNOWN. */
export function readRun(data: string, run: string): RunRecord {
  const file = runFile(data, run);
  if (!isRunName(run) || !existsSync(file)) throw new RempartError('ERR_ROLLBACK_UNKNOWN', { run: run.slice(0, 80) });
  return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Newest first. */
export function listRuns(data: string): RunRecord[] {
  const folder = folderOf(data);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  const runs = names.flatMap((name) => {
    try {
      return [readRun(data, name.slice(0, -'.json'.length))];
    } catch {
      return [];
    }
  });
  return runs.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
}
