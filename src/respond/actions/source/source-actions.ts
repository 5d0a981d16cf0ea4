// Actions on the source that a deployment is built from: the git work tree that its profile or compose file lies in.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import { openGit } from '../../rollback/git.ts';
import {
  goPrevious,
  isClean,
  isPrevious,
  type PreviousSourceParts,
  planPrevious,
  previewPrevious,
  refOf,
  type SourceBefore,
  undoPrevious,
} from '../../rollback/previous-source.ts';
import { toOut } from '../states/state-actions.ts';

export interface SourceActionsParts {
  /** Folders that may lie in a work tree, in this order: of the compose file, of the profile. */
  folders: readonly string[];
  /** Stays as it is: the data directory, states and their backups. */
  apart: readonly string[];
  scratch: string;
  /** Where programs are looked for. */
  path: string;
}

const nothing = z.strictObject({});
type Nothing = z.output<typeof nothing>;

/** Throws ERR_SOURCE_UNUSABLE where there is no work tree. */
export async function openSource({ folders, apart, scratch, path }: SourceActionsParts): Promise<PreviousSourceParts> {
  for (const folder of folders) {
    const git = await openGit(folder, path);
    if (git !== undefined) return { git, apart, scratch };
  }
  throw new RempartError('ERR_SOURCE_UNUSABLE', { what: { key: 'restore.git.outside' } });
}

export function sourceActions(parts: SourceActionsParts): Action[] {
  const open = () => openSource(parts);
  const previous: Action<Nothing> = {
    name: 'source.previous',
    class: 'restore',
    args: nothing,
    async plan() {
      const source = await open();
      const before = await planPrevious(source);
      const changes = await previewPrevious(source, before);
      const from = before.head.slice(0, 12);
      const to = `${before.target.slice(0, 12)} (${changes.length})`;
      return { effects: [{ target: 'source', change: 'check-out', from, to }], reversible: true, before };
    },
    async probe(_args, context, before) {
      const done = await isPrevious(await open(), before as SourceBefore, context.idempotencyKey);
      return done ? { state: 'done', done: evidence(before as SourceBefore, context) } : { state: 'not-done' };
    },
    async act(_args, context, before) {
      await goPrevious(await open(), before as SourceBefore, context.idempotencyKey);
      return evidence(before as SourceBefore, context);
    },
    async undo(_args, { idempotencyKey }, before) {
      await undoPrevious(await open(), before as SourceBefore, idempotencyKey);
    },
  };
  const verifyClean: Action<Nothing> = {
    name: 'source.verify-clean',
    class: 'observe',
    args: nothing,
    plan: async () => ({ effects: [{ target: 'source', change: 'read' }], reversible: true, before: {} }),
    probe: async () => ({ state: 'not-done' }),
    async act(_args, context) {
      const source = await open();
      const clean = await isClean(source);
      const head = (await source.git.run(['rev-parse', 'HEAD'])).trim();
      return { ...toOut(context, String(clean)), evidence: { clean, head } };
    },
  };
  return [previous, verifyClean];
}

function evidence({ head, target }: SourceBefore, { idempotencyKey }: ActionContext) {
  return { evidence: { from: head, to: target, kept: refOf(idempotencyKey, 'worktree') } };
}
