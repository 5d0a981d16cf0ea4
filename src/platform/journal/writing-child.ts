// A process that writes until it is killed, for the crash test: a line on stdout for each acknowledged record.
import { writeSync } from 'node:fs';
import { openJournals } from './journals.ts';

const [dir = '', keyFile = ''] = process.argv.slice(2);
const journals = await openJournals({ dir, keyFile, checkpointEveryMs: 15, segmentBytes: 40_000 });
const journal = await journals.stream('s');
await Promise.all(
  Array.from({ length: 8 }, async (_, writer) => {
    for (;;) {
      const { seq, hash } = await journal.append({ writer, text: 'x'.repeat(writer * 40) });
      writeSync(1, `${seq} ${hash}\n`);
    }
  }),
);
