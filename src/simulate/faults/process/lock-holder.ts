// A process that holds BEGIN EXCLUSIVE on a SQLite file until its deadline or the end of its input.
import { DatabaseSync } from 'node:sqlite';

const [, , file = '', deadlineMs = '0'] = process.argv;
const db = new DatabaseSync(file, { timeout: 3000 });
db.exec('BEGIN EXCLUSIVE');
process.stdout.write('locked\n');
const release = () => {
  clearTimeout(timer);
  if (!db.isOpen) return;
  db.exec('ROLLBACK');
  db.close();
  process.stdin.destroy();
};
const timer = setTimeout(release, Number(deadlineMs));
process.stdin.on('end', release).on('error', release).resume();
