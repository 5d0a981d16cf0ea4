// Finds processes by their command line, past every engine: the kernel's own list.
import { readdirSync, readFileSync } from 'node:fs';

/** The newest process with exactly that command line; null when there is none. */
export function processOf(command: readonly string[]): number | null {
  const wanted = `${command.join('\0')}\0`;
  const found = commandLines().filter(([, line]) => line === wanted);
  return found.length === 0 ? null : Math.max(...found.map(([pid]) => pid));
}

/** Those whose command line names a directory; this process is none of them. */
export function processesNaming(directory: string): number[] {
  return commandLines()
    .filter(([pid, line]) => pid !== process.pid && line.includes(`${directory}/`))
    .map(([pid]) => pid);
}

function commandLines(): [number, string][] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid): [number, string][] => {
      try {
        return [[Number(pid), readFileSync(`/proc/${pid}/cmdline`, 'utf8')]];
      } catch {
        return [];
      }
    });
}
