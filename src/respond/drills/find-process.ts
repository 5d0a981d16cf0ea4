// Finds a process by its command line, past every engine: the kernel's own list.
import { readdirSync, readFileSync } from 'node:fs';

/** The newest process with exactly that command line; null when there is none. */
export function processOf(command: readonly string[]): number | null {
  const wanted = `${command.join('\0')}\0`;
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === wanted;
      } catch {
        return false;
      }
    })
    .map(Number);
  return found.length === 0 ? null : Math.max(...found);
}
