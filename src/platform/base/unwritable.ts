// What the system refuses to write, said as an error of the catalogue instead of as a fault of ours.
import { RempartError } from './errors.ts';
import { fileIssue } from './schema-issue.ts';

/** Does the work; a full disk or a forbidden place becomes ERR_OUTPUT_UNWRITABLE for `file`, all else stays what it is. */
export function writable<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asUnwritable(file, error);
  }
}

export function asUnwritable(file: string, error: unknown): unknown {
  if (error instanceof RempartError || (error as NodeJS.ErrnoException).syscall === undefined) return error;
  return new RempartError('ERR_OUTPUT_UNWRITABLE', { file, what: fileIssue(error) }, error);
}
