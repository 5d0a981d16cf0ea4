// Faults on the target's database file, each proved by a connection of the keeper's own before and after.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Fault } from '../faults/fault.ts';
import {
  copyDatabase,
  databaseAnswers,
  isRestored,
  overwriteDatabase,
  restoreDatabase,
} from '../faults/process/database-files.ts';
import {
  planPermission,
  removePermission,
  restorePermission,
  writingRefused,
} from '../faults/process/database-permission.ts';
import { type BeginParts, type Begun, logChild } from './begun.ts';
import type { DatabaseRelay } from './database-relay.ts';

export async function breakDatabase(fault: Extract<Fault, { type: 'database' }>, parts: BeginParts): Promise<Begun> {
  if (!existsSync(fault.file)) return { impossible: 'the target made no database at the path it was given' };
  switch (fault.how) {
    case 'stopped':
    case 'corrupted':
      return overwrite(fault.file, fault.how, parts);
    case 'permission':
      return forbid(fault.file, parts);
    case 'locked':
      return lock(fault.file, parts);
  }
}

function overwrite(file: string, how: 'stopped' | 'corrupted', parts: BeginParts): Begun {
  let copied: ReturnType<typeof copyDatabase>;
  try {
    copied = copyDatabase(file, join(parts.undoDir, `copy-${process.pid}-${parts.number}`));
  } catch {
    return { impossible: 'no write lock could be had on the database, so no consistent copy' };
  }
  const undone = parts.undoLog.write(copied.undo, new Date(Date.now() + parts.leaseMs));
  overwriteDatabase(copied.undo, how);
  copied.release();
  const broken = databaseAnswers(file);
  const end = async () => {
    const stillBroken = databaseAnswers(file);
    restoreDatabase(copied.undo);
    const restored = isRestored(copied.undo);
    undone();
    const answers = databaseAnswers(file);
    return {
      t: parts.now(),
      proved: !stillBroken.ok && answers.ok,
      proof: `a connection of our own failed (${stillBroken.why}); after the restore: ${answers.why}, bytes ${restored ? 'as before' : 'already written to by the target'}`,
    };
  };
  return { proved: !broken.ok, proof: `a connection of our own fails: ${broken.why}`, end };
}

function forbid(file: string, parts: BeginParts): Begun {
  const undo = planPermission(file);
  const undone = parts.undoLog.write(undo, new Date(Date.now() + parts.leaseMs));
  if (!removePermission(undo)) {
    restorePermission(undo);
    undone();
    return { impossible: 'this file system has no immutable attribute, or we lack the right to set it' };
  }
  const refused = writingRefused(file);
  const end = async () => {
    const stillRefused = writingRefused(file);
    restorePermission(undo);
    undone();
    const answers = databaseAnswers(file);
    return {
      t: parts.now(),
      proved: stillRefused !== null && answers.ok,
      proof: `opening it for writing was refused (${stillRefused}); after the restore: ${answers.why}`,
    };
  };
  return { proved: refused !== null, proof: `opening it for writing is refused: ${refused}`, end };
}

async function lock(file: string, parts: BeginParts): Promise<Begun> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../faults/process/lock-holder.ts'), file, String(parts.leaseMs)],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
      env: {},
    },
  );
  const undone = logChild(child, 'lock holder', parts);
  const held = await Promise.race([
    new Promise<boolean>((resolve) => child.stdout.once('data', () => resolve(true))),
    new Promise<boolean>((resolve) => child.once('exit', () => resolve(false))),
  ]);
  const exited = new Promise<void>((resolve) =>
    child.exitCode === null ? child.once('exit', () => resolve()) : resolve(),
  );
  const release = async () => {
    child.stdin.end();
    const late = setTimeout(() => child.kill('SIGKILL'), 1000);
    await exited;
    clearTimeout(late);
    undone();
  };
  if (!held) {
    await release();
    return { impossible: 'no exclusive lock could be had on the database' };
  }
  const broken = databaseAnswers(file);
  const end = async () => {
    const stillBroken = databaseAnswers(file);
    await release();
    const answers = databaseAnswers(file);
    return {
      t: parts.now(),
      proved: !stillBroken.ok && answers.ok,
      proof: `a connection of our own failed (${stillBroken.why}); afterwards: ${answers.why}`,
    };
  };
  return { proved: !broken.ok, proof: `a connection of our own fails: ${broken.why}`, end };
}

/** The server itself is untouched: only this target's way to it is cut, or told in the server's own words that it is full. */
export async function breakServer(
  fault: Extract<Fault, { type: 'database-server' }>,
  { relay, now }: BeginParts,
): Promise<Begun> {
  if (relay === null) return { impossible: 'the target reaches no database server through the simulator' };
  if (relay.carried() === 0) return { impossible: 'the target never connected to the database server it was given' };
  if ((await comesThrough(relay)) !== 'open') return { impossible: 'the database server does not answer' };
  if (fault.how === 'stopped') await relay.stop();
  else relay.exhaust();
  const during = await comesThrough(relay);
  const end = async () => {
    const still = await comesThrough(relay);
    await relay.pass();
    const afterwards = await comesThrough(relay);
    return {
      t: now(),
      proved: still !== 'open' && afterwards === 'open',
      proof: `a connection of our own was ${still}; afterwards: ${afterwards}`,
    };
  };
  return { proved: during !== 'open', proof: `a connection of our own is ${during}`, end };
}

/** A start-up message of PostgreSQL protocol 3.0 without a user: a live server answers it with an error of its own, a MySQL server has greeted before. */
const greeting = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]);

/** What becomes of a connection of our own through the relay. */
function comesThrough({ host, port }: DatabaseRelay): Promise<'open' | 'refused' | 'turned away'> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const end = (what: 'open' | 'refused' | 'turned away') => {
      socket.destroy();
      resolve(what);
    };
    socket
      .once('connect', () => socket.write(greeting))
      .once('data', (bytes: Buffer) =>
        end(/53300|Too many connections/.test(bytes.toString('latin1')) ? 'turned away' : 'open'),
      )
      .once('timeout', () => end('refused'))
      .once('close', () => end('refused'))
      .on('error', () => end('refused'));
  });
}
