// A file that a command writes because it was asked to: a new one, private, and an old one only where that was said.
import { openSync } from 'node:fs';
import { RempartError } from '../platform/base/errors.ts';
import { fileIssue } from '../platform/base/schema-issue.ts';

/** Throws ERR_OUTPUT_EXISTS, ERR_OUTPUT_UNWRITABLE. */
export function openOutput(file: string, force: boolean): number {
  try {
    return openSync(file, force ? 'w' : 'wx', 0o600);
  } catch (error) {
    throw unwritable(file, error);
  }
}

export function unwritable(file: string, error: unknown): RempartError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || error instanceof RempartError) return error as RempartError;
  if (code === 'EEXIST') return new RempartError('ERR_OUTPUT_EXISTS', { file }, error);
  const what = code === 'ENOENT' ? ({ key: 'issue.folder.ENOENT' } as const) : fileIssue(error);
  return new RempartError('ERR_OUTPUT_UNWRITABLE', { file, what }, error);
}
