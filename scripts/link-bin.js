// Runs after `npm ci` in a checkout: lets `npx rempart` find this package's own command, which npm links for dependants only.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const bin = join(import.meta.dirname ?? '.', '..', 'node_modules', '.bin');
if (existsSync(join(bin, '..'))) {
  mkdirSync(bin, { recursive: true });
  const link = join(bin, 'rempart');
  rmSync(link, { force: true });
  if (process.platform === 'win32') {
    writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\bin\\rempart.js" %*\r\n');
  } else {
    symlinkSync(join('..', '..', 'bin', 'rempart.js'), link);
    chmodSync(join(bin, '..', '..', 'bin', 'rempart.js'), 0o755);
  }
}
