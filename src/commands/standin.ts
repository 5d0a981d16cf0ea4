// `rempart standin`: the stand-in provider alone, until it is stopped.
import { once } from 'node:events';
import { RempartError } from '../platform/base/errors.ts';
import type { Standin } from '../simulate/standin/standin.ts';
import { startStandin } from '../simulate/standin/standin.ts';
import { type Command, type CommandInput, wholeNumber } from './command.ts';

const usualPort = 11_500;
const host = '127.0.0.1';

export const standin: Command = {
  name: 'standin',
  summary: 'standin.summary',
  options: { port: { type: 'string', value: 'PORT', summary: 'standin.flag.port' } },
  async run(input) {
    const port = wholeNumber(input, 'standin', 'port', { min: 0, max: 65_535 }) ?? usualPort;
    const server = await listen(port);
    announce(input, server);
    // Ctrl-C is how it is meant to end, so it ends well.
    if (!input.signal.aborted) await once(input.signal, 'abort');
    await server.close();
    return 0;
  },
};

async function listen(port: number): Promise<Standin> {
  try {
    return await startStandin({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new RempartError('ERR_PORT_BUSY', { port, host, flag: '--port' }, error);
  }
}

function announce({ json, say, stdout }: CommandInput, { url, port }: Standin): void {
  if (json) {
    stdout.write(`${JSON.stringify({ schema: 'rempart/standin@1', url, port })}\n`);
    return;
  }
  const bases = [
    ['OpenAI', `${url}/v1`],
    ['Mistral', `${url}/mistral`],
    ['Ollama', url],
  ];
  const lines = bases.map(([name, base]) => `  ${name!.padEnd(8)} ${base}`);
  stdout.write(`${say('standin.started')}\n${lines.join('\n')}\n${say('standin.hint')}\n`);
}
