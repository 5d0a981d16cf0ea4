// A record in the journal from a command: through the running instance when there is one, else directly on the data directory.
import { join } from 'node:path';
import { callControl } from '../platform/base/control-socket.ts';
import { openJournals } from '../platform/journal/journals.ts';
import { type OperationRecord, recordOperation } from '../protect/posture/models/record.ts';
import type { CommandInput } from './command.ts';
import { holdData } from './hold-data.ts';

/** Resolves once it is on disk. Throws ERR_JOURNAL_UNWRITABLE, ERR_CONTROL_UNREACHABLE, ERR_DATA_LOCKED. */
export async function recordHere({ data }: Pick<CommandInput, 'data'>, record: OperationRecord): Promise<void> {
  const directory = await holdData(data);
  if (directory === null) {
    await callControl(data, 'posture.record', { ...record, facts: { ...record.facts } });
    return;
  }
  try {
    const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'journal.key.pem') });
    try {
      await recordOperation(await journals.stream('gateway'), record, Date.now());
    } finally {
      await journals.close();
    }
  } finally {
    directory.lock.release();
  }
}
