// The detector that watches the profile's states: gone, unreadable, cut off, no longer what their format and schema want; and written by somebody else than before.
import { open, stat } from 'node:fs/promises';
import { type NamedState, StateUnfit, type UnfitReason } from '../rollback/named-state.ts';
import type { Detector, DetectorContext } from './detector.ts';
import { fingerprint } from './harmless.ts';
import { lookEvery, type Timers } from './timers.ts';

export interface StateFilesParts {
  states: readonly NamedState[];
  /** Resolves when a state is fit; throws StateUnfit. */
  check(state: NamedState): Promise<void>;
  timers: Timers;
  everyMs?: number;
  /** Undefined when it cannot be told. */
  isOwnerRunning?: (owner: string) => Promise<boolean | undefined>;
  /** While a playbook or somebody by a command restores states. */
  isOurs?: () => boolean | Promise<boolean>;
}

/** What can be seen without reading it. */
interface Outside {
  inode: number;
  size: number;
  changedMs: number;
  uid: number;
}

interface Watched {
  state: NamedState;
  outside: Outside | undefined;
  /** It was fit before: what never was is no incident, and said by `rollback`. */
  wasFit: boolean;
  unfit: { why: UnfitReason; looks: number; since: number } | undefined;
  told: boolean;
  checkedAt: number;
  /** It changed and was not looked into yet. */
  isDue: boolean;
  dueAt: number;
  /** On the steady clock. */
  restsUntil: number;
}

/** Of these it cannot be said that the state is damaged. */
const undecided: readonly UnfitReason[] = ['changing', 'too-large', 'too-many-files', 'schema-unreadable'];
/** Looks in a row with the same answer: an owner that writes its file anew is caught in between now and then. */
const looks = 2;
const againMs = 60_000;
const ordinaryMs = 20;
/** A damaged one is looked at so often for having been mended without a change that shows. */
const mendedMs = 10_000;
/** A database is checked page by page. */
const databaseAgainMs = 300_000;
const databaseHead = 'SQLite format 3\0';

export function stateFilesDetector(parts: StateFilesParts): Detector {
  const { states, timers, everyMs = 300 } = parts;
  return {
    name: 'state-files',
    types: ['state-corruption', 'configuration-drift'],
    deadAfterMs: Math.max(120_000, everyMs * 10),
    start(context) {
      const watched = states.map(
        (state): Watched => ({
          state,
          ...{ outside: undefined, wasFit: false, unfit: undefined, told: false },
          ...{ checkedAt: Number.NEGATIVE_INFINITY, isDue: true, dueAt: 0, restsUntil: 0 },
        }),
      );
      return lookEvery({ timers, ms: everyMs }, context, async (signal) => {
        for (const one of watched) {
          if (signal.aborted) return;
          await lookAt(one, parts, context);
        }
      });
    },
  };
}

async function lookAt(watched: Watched, parts: StateFilesParts, context: DetectorContext): Promise<void> {
  const { state } = watched;
  const at = context.now();
  const outside = await outsideOf(state.path);
  const isChanged = !isSame(outside, watched.outside);
  const before = watched.outside;
  watched.outside = outside;
  if (isChanged && before !== undefined && outside !== undefined)
    await judgeWriter(watched, before, outside, parts, context);
  watched.isDue ||= isChanged;
  const isOpen = watched.isDue || (watched.unfit !== undefined && watched.unfit.looks < looks);
  if ((!isOpen && at < watched.dueAt) || performance.now() < watched.restsUntil) return;
  watched.isDue = false;
  const begun = performance.now();
  const why = await unfitness(watched, parts, at, outside);
  // What takes long to check is checked less often.
  watched.restsUntil = performance.now() + 10 * Math.max(0, performance.now() - begun - ordinaryMs);
  if (why !== undefined && undecided.includes(why)) {
    watched.dueAt = at + againMs;
    return;
  }
  if (why === undefined) {
    watched.wasFit = true;
    watched.unfit = undefined;
    watched.told = false;
    watched.dueAt = at + againMs;
    return;
  }
  const since = watched.unfit?.since ?? at;
  const inRow = watched.unfit?.why === why ? watched.unfit.looks + 1 : 1;
  watched.dueAt = at + mendedMs;
  watched.unfit = { why, looks: inRow, since };
  if (inRow < looks || watched.told || !watched.wasFit || (await parts.isOurs?.()) === true) return;
  watched.told = true;
  context.report({
    type: 'state-corruption',
    subject: state.name,
    occurredAt: since,
    severity: 'critical',
    facts: {
      why,
      format: state.format,
      ...(outside === undefined ? {} : { bytes: outside.size }),
      path: fingerprint(state.path),
    },
  });
}

async function unfitness(
  watched: Watched,
  { check }: StateFilesParts,
  at: number,
  outside: Outside | undefined,
): Promise<UnfitReason | undefined> {
  const { state } = watched;
  if (outside === undefined) return 'missing';
  if (state.format === 'sqlite') {
    // Its first bytes with each change, all of its pages now and then.
    if (!(await beginsAsDatabase(state.path))) return outside.size === 0 ? 'empty' : 'damaged';
    if (watched.unfit === undefined && at - watched.checkedAt < databaseAgainMs) return undefined;
  }
  watched.checkedAt = at;
  try {
    await check(state);
    return undefined;
  } catch (error) {
    if (error instanceof StateUnfit) return error.why;
    throw error;
  }
}

/** Written by another user than before, or while the service that owns it does not run: that somebody changed it by hand. */
async function judgeWriter(
  { state }: Watched,
  before: Outside,
  outside: Outside,
  parts: StateFilesParts,
  context: DetectorContext,
): Promise<void> {
  const isOther = before.uid !== outside.uid;
  const isAlone =
    !isOther && state.owner !== undefined && (await parts.isOwnerRunning?.(state.owner)) === false && before.size > 0;
  if ((!isOther && !isAlone) || (await parts.isOurs?.()) === true) return;
  context.report({
    type: 'configuration-drift',
    subject: state.name,
    occurredAt: context.now(),
    severity: 'medium',
    facts: {
      sign: isOther ? 'another user' : 'owner not running',
      uid: outside.uid,
      uidBefore: before.uid,
      bytes: outside.size,
    },
  });
}

async function outsideOf(path: string): Promise<Outside | undefined> {
  try {
    const { ino, size, mtimeMs, ctimeMs, uid } = await stat(path);
    return { inode: ino, size, changedMs: Math.max(mtimeMs, ctimeMs), uid };
  } catch {
    return undefined;
  }
}

function isSame(one: Outside | undefined, other: Outside | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.inode === other.inode && one.size === other.size && one.changedMs === other.changedMs && one.uid === other.uid
  );
}

async function beginsAsDatabase(path: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead).toString('latin1') === databaseHead;
  } finally {
    await handle.close();
  }
}
