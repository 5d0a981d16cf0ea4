// The machine's firewall as a tool: nft where it works, else iptables with ip6tables.
import { RempartError } from '../../../platform/base/errors.ts';
import { printable } from '../../../platform/containers/engine-transport.ts';
import { type ProgramEnd, runProgram } from '../commands/run-program.ts';
import {
  type Isolation,
  iptablesIsolation,
  iptablesLook,
  iptablesRemoval,
  isolationTable,
  nftIsolation,
} from './isolation-rules.ts';

export interface FirewallTool {
  kind: 'nft' | 'iptables';
  /** Files of rules by their name, as they would be loaded. */
  rules(isolation: Isolation): Record<string, string>;
  /** All or nothing. Throws ERR_FIREWALL_FAILED. */
  load(isolation: Isolation): Promise<void>;
  isLoaded(): Promise<boolean>;
  /** Also when they are not loaded. Throws ERR_FIREWALL_FAILED. */
  remove(): Promise<void>;
}

export interface FirewallAt {
  /** Before each command, e.g. `ip netns exec NAME`. */
  through?: readonly string[];
  path: string;
  signal: AbortSignal;
}

const timeoutMs = 15_000;

/** Throws ERR_FIREWALL_NONE. */
export async function findFirewall(at: FirewallAt): Promise<FirewallTool> {
  if ((await run(at, ['nft', 'list', 'tables'])).exit === 0) return nft(at);
  const both = await Promise.all(['iptables', 'ip6tables'].map((program) => run(at, [program, '-w', '-S'])));
  if (both.every(({ exit }) => exit === 0)) return iptables(at);
  throw new RempartError('ERR_FIREWALL_NONE');
}

function nft(at: FirewallAt): FirewallTool {
  const isLoaded = async () => (await run(at, ['nft', 'list', 'table', 'inet', isolationTable])).exit === 0;
  return {
    kind: 'nft',
    rules: (isolation) => ({ nft: nftIsolation(isolation) }),
    async load(isolation) {
      mustHaveWorked(await run(at, ['nft', '-f', '-'], nftIsolation(isolation)));
    },
    isLoaded,
    async remove() {
      if (await isLoaded()) mustHaveWorked(await run(at, ['nft', 'delete', 'table', 'inet', isolationTable]));
    },
  };
}

const families = [
  { program: 'iptables', version: 4 },
  { program: 'ip6tables', version: 6 },
] as const;

function iptables(at: FirewallAt): FirewallTool {
  const isLoaded = async () => {
    const looks = await Promise.all(families.map(({ program }) => run(at, [program, '-w', ...iptablesLook])));
    return looks.every(({ exit }) => exit === 0);
  };
  const remove = async () => {
    for (const { program } of families) for (const args of iptablesRemoval()) await run(at, [program, '-w', ...args]);
    for (const { program } of families)
      if ((await run(at, [program, '-w', ...iptablesLook])).exit === 0)
        throw new RempartError('ERR_FIREWALL_FAILED', { what: program });
  };
  return {
    kind: 'iptables',
    rules: (isolation) =>
      Object.fromEntries(families.map(({ program, version }) => [program, iptablesIsolation(isolation, version)])),
    async load(isolation) {
      await remove();
      try {
        for (const { program, version } of families) {
          const text = iptablesIsolation(isolation, version);
          mustHaveWorked(await run(at, [`${program}-restore`, '-w', '--noflush'], text));
        }
      } catch (error) {
        // Half of it would be taken for all of it.
        await remove();
        throw error;
      }
    },
    isLoaded,
    remove,
  };
}

async function run({ through = [], path, signal }: FirewallAt, command: readonly string[], input?: string) {
  const [program = '', ...args] = [...through, ...command];
  return runProgram({
    program,
    args,
    env: { PATH: path, LANG: 'C' },
    ...(input === undefined ? {} : { input }),
    timeoutMs,
    maxBytes: 65_536,
    signal,
  }).catch((error: NodeJS.ErrnoException): ProgramEnd => {
    if (error.code !== 'ENOENT' && error.code !== 'EACCES') throw error;
    return { exit: 127, stdout: '', stderr: '', dropped: 0, timedOut: false };
  });
}

function mustHaveWorked({ exit, stderr }: ProgramEnd): void {
  if (exit !== 0) throw new RempartError('ERR_FIREWALL_FAILED', { what: printable(stderr) || String(exit) });
}
