// A process that overwrites a database in place with garbage, or puts the very same bytes back, for the test of absences.
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const [path = '', what] = process.argv.slice(2);
const files = ['', '-wal', '-shm'].map((end) => path + end);

if (what === 'break') {
  // Under a write lock, so that nothing is committed between copying and overwriting.
  const lock = new DatabaseSync(path, { timeout: 2_000 });
  lock.exec('BEGIN IMMEDIATE');
  const kept = files.filter((file) => existsSync(file)).map((file) => ({ file, bytes: readFileSync(file) }));
  for (const { file, bytes } of kept) writeFileSync(`${file}.kept`, bytes);
  for (const { file, bytes } of kept) writeOver(file, Buffer.alloc(bytes.length, 0x5a));
  // Ended hard: closing would let SQLite tidy up what is garbage now.
  process.kill(process.pid, 'SIGKILL');
} else {
  for (const file of files.reverse()) if (existsSync(`${file}.kept`)) writeOver(file, readFileSync(`${file}.kept`));
}

function writeOver(file: string, bytes: Buffer): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
}
