// The keeper's own process: reads commands, and when its runner is gone (the pipe ends) restores everything and ends.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isSameProcess, processStartTime } from '../../platform/base/process-identity.ts';
import { openUndoLog, type Replayed, replayUndoLog } from '../faults/process/undo-log.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import type { FromKeeper, Request } from './protocol.ts';

const [, , undoDir = '', originText = '0'] = process.argv;
const origin = Number(originText);
const now = () => Number(process.hrtime.bigint()) / 1e6 - origin;
const send = (message: FromKeeper) => {
  if (process.stdout.writable) process.stdout.write(`${JSON.stringify(message)}\n`);
};
process.stdout.on('error', () => undefined); // the runner may be gone; what is broken is still put back
process.on('SIGINT', () => undefined); // Ctrl-C is the runner's to answer

mkdirSync(undoDir, { recursive: true, mode: 0o700 });
const claimFile = join(undoDir, 'keeper.json');
const other = await waitForOtherKeeper();
if (other !== null) {
  send({ type: 'busy', pid: other });
} else {
  writeFileSync(claimFile, JSON.stringify({ pid: process.pid, startTime: processStartTime(process.pid) }), {
    mode: 0o600,
  });
  const replayed = replayUndoLog(undoDir);
  serve(replayed);
}

function serve(replayed: Replayed[]): void {
  const undoLog = openUndoLog(undoDir);
  const keeper = createKeeper({ now, undoLog, undoDir, record: (fact) => send({ type: 'fact', fact }) });
  const underWay = new Set<Promise<void>>();
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    await keeper.restoreAll();
    // A command that was under way may have begun something after that; nothing may be left that keeps this process.
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => {
      late = setTimeout(resolve, 5000);
    });
    await Promise.race([Promise.allSettled(underWay), patience]);
    clearTimeout(late);
    await keeper.restoreAll();
    undoLog.close();
    // Everything was undone one by one; replaying what is left finds nothing and empties the log.
    replayUndoLog(undoDir);
    rmSync(claimFile, { force: true });
    process.stdin.destroy();
  };
  process.on('SIGTERM', () => void end());
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (ending) return;
    const answered = answer(keeper, JSON.parse(line) as Request);
    underWay.add(answered);
    void answered.finally(() => underWay.delete(answered));
  });
  lines.on('close', () => void end());
  send({ type: 'ready', pid: process.pid, replayed });
}

async function answer(keeper: Keeper, request: Request): Promise<void> {
  try {
    const run = keeper[request.command] as (args: Request['args']) => Promise<unknown>;
    send({ type: 'reply', id: request.id, reply: await run(request.args) });
  } catch (error) {
    send({ type: 'failed', id: request.id, why: (error as Error).message });
  }
}

/** A keeper whose runner was killed needs a moment to restore; one that stays is at work for somebody else. */
async function waitForOtherKeeper(): Promise<number | null> {
  const until = Date.now() + 10_000;
  for (;;) {
    const claim = readClaim();
    if (claim === null || !isSameProcess(claim.pid, claim.startTime)) return null;
    if (Date.now() > until) return claim.pid;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function readClaim(): { pid: number; startTime: string | null } | null {
  try {
    return JSON.parse(readFileSync(claimFile, 'utf8'));
  } catch {
    return null;
  }
}
