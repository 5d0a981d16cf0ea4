// Notices that whoever launched this process was killed: a program that nobody waits for any more should put things back and end.
import { isSameProcess, parentOf, processStartTime } from './process-identity.ts';

const everyMs = 500;

/**
 * Calls `onGone` once when the launcher has died: the wrapper that started this Node (its IPC channel closes), or npm,
 * two generations up with its shell between. A shell that ends is none: `nohup` and `disown` stay possible.
 */
export function watchLauncher(env: Readonly<Record<string, string | undefined>>, onGone: () => void): void {
  let told = false;
  const gone = () => {
    if (!told) onGone();
    told = true;
  };
  if (process.connected) {
    process.once('disconnect', gone);
    process.channel?.unref();
  }
  if (env['npm_command'] === undefined && env['npm_lifecycle_event'] === undefined) return;
  const shell = process.ppid;
  const ancestors = [shell, parentOf(shell)]
    .filter((pid) => pid !== null && pid > 1)
    .map((pid) => ({ pid: pid as number, startTime: processStartTime(pid as number) }));
  setInterval(() => {
    if (ancestors.some(({ pid, startTime }) => !isSameProcess(pid, startTime))) gone();
  }, everyMs).unref();
}
