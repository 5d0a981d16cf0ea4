// Load: seen by the share of time in which no core was idle, and borne by letting few requests work at once, admins first.
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { defect } from './defect.mjs';
import { hasTrouble, healed, trouble } from './troubles.mjs';

const atOnce = 4;
let working = 0;
const queue = [];

let turns = 0;
/** Resolves when it is this request's turn. */
export async function takeTurn(isAdmin) {
  // The first turns are an ordinary day, even on a busy machine.
  if (++turns > 4 && hasTrouble('load')) {
    if (defect('slow-under-load')) await sleep(5000);
    if (defect('admin-last') && isAdmin) await sleep(2500);
  }
  if (working >= atOnce) await new Promise((resolve) => (isAdmin ? queue.unshift(resolve) : queue.push(resolve)));
  working++;
}

export function endTurn() {
  working--;
  queue.shift()?.();
}

let before = cpus();
let busySamples = 0;
setInterval(() => {
  const now = cpus();
  const sum = (list, pick) => list.reduce((total, { times }) => total + pick(times), 0);
  const all = (times) => times.user + times.sys + times.idle + times.nice + times.irq;
  const idle = sum(now, (t) => t.idle) - sum(before, (t) => t.idle);
  const total = sum(now, all) - sum(before, all);
  before = now;
  busySamples = idle / Math.max(1, total) < 0.05 ? busySamples + 1 : 0;
  if (busySamples >= 3) trouble('load');
  else if (busySamples === 0) healed('load');
}, 400);
