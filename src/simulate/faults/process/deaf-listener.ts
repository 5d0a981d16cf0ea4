// A process that listens on an address, accepts nobody and answers nothing: once its queue is full, Linux drops every further SYN.
import { writeSync } from 'node:fs';
import { createServer } from 'node:net';

const [, , host = '127.0.0.1', port = '0', deadlineMs = '0'] = process.argv;
const parent = process.ppid;
const until = Date.now() + Number(deadlineMs);
const server = createServer();
server.once('error', () => process.exit(1));
server.listen({ host, port: Number(port), backlog: 1 }, () => {
  writeSync(1, 'deaf\n');
  // The event loop never turns again, so nothing is ever accepted; an orphan ends by itself.
  const bell = new Int32Array(new SharedArrayBuffer(4));
  while (Date.now() < until && process.ppid === parent) Atomics.wait(bell, 0, 0, 100);
  process.exit(0);
});
