// A process that burns CPU on N threads until its deadline, its parent's end or the end of its input, whichever comes first.
import { isMainThread, Worker, workerData } from 'node:worker_threads';

if (isMainThread) {
  const threads = Number(process.argv[2]);
  const deadlineMs = Number(process.argv[3]);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < threads; i++)
    new Worker(import.meta.filename, { workerData: { stop, until: Date.now() + deadlineMs } });
  const end = () => Atomics.store(stop, 0, 1);
  process.stdin.on('end', end).on('error', end).resume();
  setTimeout(end, deadlineMs).unref();
  process.stdin.unref?.();
} else {
  const { stop, until } = workerData as { stop: Int32Array; until: number };
  let x = 1;
  // The clock is asked now and then: an orphan must end by itself even if nobody tells it.
  while (Atomics.load(stop, 0) === 0 && Date.now() < until)
    for (let i = 0; i < 200_000; i++) x = Math.imul(x, 48271) ^ i;
}
