// A thread of the journal's test: appends over a door, says which places its records got, and what becomes of one that comes too late.
import { once } from 'node:events';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { RempartError } from '../base/errors.ts';
import { joinJournal } from './journals.ts';

const [{ door, name, count }] = (await once(parentPort!, 'message')) as [
  { door: MessagePort; name: string; count: number },
];
const closed = once(door, 'close');
// A door that is owed nothing keeps no thread alive.
const stay = setInterval(() => {}, 1_000);
const journal = await joinJournal(door, 'gateway');
const receipts = await Promise.all(Array.from({ length: count }, (_, i) => journal.append({ from: name, i })));
parentPort!.postMessage(receipts.map(({ seq }) => seq));
await closed;
await journal.append({ from: name, late: true }).catch((error: RempartError) => parentPort!.postMessage(error.code));
clearInterval(stay);
