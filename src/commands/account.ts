// Who asks: the account that runs this process, as the journal names it.
import { userInfo } from 'node:os';

/** Behind sudo, the one who asked for it. */
export function account(env: Readonly<Record<string, string | undefined>>): string {
  const behind = env['SUDO_USER'];
  if (process.getuid?.() === 0 && behind !== undefined && /^[\w.@-]{1,64}$/.test(behind)) return behind;
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
