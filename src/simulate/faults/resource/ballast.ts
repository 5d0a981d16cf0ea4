// A process that holds memory: it grows by as many bytes as each line of its input says, tells what it holds, and ends at its deadline or with its input.
import { createInterface } from 'node:readline';

const held: Buffer[] = [];
const pageBytes = 4096;
const end = () => process.exit(0);
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const bytes = Number(line);
    if (!(bytes > 0)) return;
    const more = Buffer.allocUnsafeSlow(bytes);
    // Only what was written to is resident; pages that differ cannot be merged.
    for (let at = 0; at < bytes; at += pageBytes)
      more.writeUInt32LE((held.length * 65_537 + at) >>> 0, Math.min(at, bytes - 4));
    held.push(more);
  })
  .on('close', end);
setInterval(() => process.stdout.write(`${process.memoryUsage.rss()}\n`), 100);
setTimeout(end, Number(process.argv[2]));
process.stdout.on('error', end);
