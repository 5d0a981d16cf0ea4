// `rempart proxy`: the fault proxy alone, for Toxiproxy's clients and for faults on model calls, until it is stopped.
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import packageJson from '../../package.json' with { type: 'json' };
import { RempartError } from '../platform/base/errors.ts';
import { isLoopback } from '../simulate/proxy/guard.ts';
import { type ProxyServer, startProxyServer } from '../simulate/proxy/server.ts';
import { type Command, type CommandInput, usageError, wholeNumber } from './command.ts';

/** Whose API it speaks: some clients read the version as a semantic one. */
const compatibleWith = '2.12.0';
const usual = { host: '127.0.0.1', port: 8474 };

export const proxy: Command = {
  name: 'proxy',
  summary: 'proxy.summary',
  options: {
    admin: { type: 'string', value: 'HOST:PORT', summary: 'proxy.flag.admin' },
    seed: { type: 'string', value: 'N', summary: 'proxy.flag.seed' },
    metrics: { type: 'boolean', summary: 'proxy.flag.metrics' },
  },
  async run(input) {
    const { host, port } = adminAddress(input);
    const seed = wholeNumber(input, 'proxy', 'seed', { min: 0, max: 999_999_999_999_999 }) ?? 1;
    const prompt = preferThisProcess();
    const server = await listen(input, host, port, seed);
    announce(input, server, { host, seed, prompt });
    // Ctrl-C is how it is meant to end, so it ends well.
    if (!input.signal.aborted) await once(input.signal, 'abort');
    await server.close();
    return 0;
  },
};

function adminAddress(input: CommandInput): { host: string; port: number } {
  const given = input.options['admin'];
  if (given === undefined) return usual;
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(String(given));
  const port = Number(found?.[3]);
  const host = found?.[1] ?? found?.[2];
  if (host === undefined || !(port <= 65_535))
    throw usageError(input, 'proxy', 'proxy.usage.admin', { given: String(given) });
  return { host, port };
}

/** Asked durations must hold while a load fault eats every core. Not every user may raise a priority. */
function preferThisProcess(): boolean {
  try {
    setPriority(0, constants.priority.PRIORITY_HIGH);
    return true;
  } catch {
    return false;
  }
}

async function listen({ options, lang }: CommandInput, host: string, port: number, seed: number): Promise<ProxyServer> {
  try {
    const metrics = options['metrics'] === true;
    return await startProxyServer({
      host,
      port,
      seed,
      metrics,
      lang,
      version: `${compatibleWith}+rempart.${packageJson.version}`,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new RempartError('ERR_PORT_BUSY', { port, host, flag: '--admin' }, error);
  }
}

function announce(
  { json, say, stdout, stderr }: CommandInput,
  { url, port }: ProxyServer,
  { host, seed, prompt }: { host: string; seed: number; prompt: boolean },
): void {
  if (!isLoopback(host)) stderr.write(`${say('proxy.open', { host })}\n`);
  if (!prompt) stderr.write(`${say('proxy.priority')}\n`);
  if (json) {
    stdout.write(`${JSON.stringify({ schema: 'rempart/proxy@1', url, port, seed })}\n`);
    return;
  }
  stdout.write(`${say('proxy.started')}\n  ${url}\n${say('proxy.hint', { url })}\n`);
}
