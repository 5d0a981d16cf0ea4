// A real MariaDB for tests, in a folder of its own; undefined where none is installed.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
const find = (name: string) => folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
const server = find('mariadbd');
const install = find('mariadb-install-db');
export const mysqlClient = find('mariadb') ?? '';

export const noMysql: string | false =
  server === undefined || install === undefined || mysqlClient === ''
    ? 'needs MariaDB (apt-get install mariadb-server): not installed here'
    : false;

export interface MysqlServer {
  port: number;
  /** What one statement answers through a port; throws with the client's own words. */
  ask(port: number, statement: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startMysql(): Promise<MysqlServer> {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-mysql-'));
  const data = join(dir, 'data');
  mkdirSync(data);
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const { status, stderr } = spawnSync(
    install ?? '',
    ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db', ...user],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const port = await freePort();
  const child = spawn(
    server ?? '',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${join(dir, 's')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--innodb-buffer-pool-size=8M',
      ...user,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const ask = async (at: number, statement: string) => {
    const args = [
      '--no-defaults',
      '--host=127.0.0.1',
      `--port=${at}`,
      '--user=root',
      '--connect-timeout=3',
      '-N',
      '-e',
      statement,
    ];
    return (await run(mysqlClient, args)).stdout.trim();
  };
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  for (const until = Date.now() + 20_000; ; ) {
    try {
      await ask(port, 'SELECT 1');
      return { port, ask, stop };
    } catch (error) {
      if (Date.now() < until && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 100));
      else {
        await stop();
        throw error;
      }
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
