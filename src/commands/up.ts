// `rempart up`: gateway, chatbot and console, until Ctrl-C.
import { once } from 'node:events';
import type { App } from '../app.ts';
import { type Config, loadConfig } from '../config.ts';
import { createLog } from '../platform/base/log.ts';
import { type Command, type CommandInput, wholeNumber } from './command.ts';

export const up: Command = {
  name: 'up',
  summary: 'up.summary',
  options: {
    port: { type: 'string', value: 'PORT', summary: 'up.flag.port' },
    'console-port': { type: 'string', value: 'PORT', summary: 'up.flag.console-port' },
  },
  async run(input) {
    const bounds = { min: 0, max: 65_535 };
    const port = wholeNumber(input, 'up', 'port', bounds);
    const consolePort = wholeNumber(input, 'up', 'console-port', bounds);
    const file = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
    const config: Config = {
      ...file,
      gateway: { ...file.gateway, port: port ?? file.gateway.port },
      console: { ...file.console, port: consolePort ?? file.console.port },
    };
    const { startApp } = await import('../app.ts');
    const app = await startApp({ config, data: input.data, lang: input.lang, log: createLog(config.log) });
    announce(input, app);
    if (!input.signal.aborted) await once(input.signal, 'abort');
    if (!input.json) input.stderr.write(`${input.say('up.stopping')}\n`);
    await app.close();
    if (!input.json) input.stderr.write(`${input.say('up.stopped')}\n`);
    // Ctrl-C is how it is meant to end, so it ends well.
    return 0;
  },
};

function announce({ json, say, stdout }: CommandInput, { gatewayUrl, consoleUrl, standin, firstRun }: App): void {
  if (json) {
    stdout.write(`${JSON.stringify({ schema: 'rempart/up@1', gatewayUrl, consoleUrl, standin, ...firstRun })}\n`);
    return;
  }
  const width = Math.max(say('up.gateway').length, say('up.console').length);
  const lines = [
    say('up.started'),
    `  ${say('up.gateway').padEnd(width)}  ${gatewayUrl}`,
    `  ${say('up.console').padEnd(width)}  ${consoleUrl}`,
    ...(standin ? [say('up.standin')] : []),
    ...(firstRun === undefined ? [] : firstLines(firstRun, gatewayUrl, say)),
  ];
  stdout.write(`${lines.join('\n')}\n`);
}

function firstLines(
  { password, apiKey }: NonNullable<App['firstRun']>,
  url: string,
  say: CommandInput['say'],
): string[] {
  const width = Math.max(say('up.password').length, say('up.key').length);
  const secrets = ['', say('up.first'), `  ${say('up.password').padEnd(width)}  ${password}`];
  if (apiKey === undefined) return secrets;
  const body = JSON.stringify({ message: say('up.try.question') }).replaceAll("'", '\u2019');
  return [
    ...secrets,
    `  ${say('up.key').padEnd(width)}  ${apiKey}`,
    '',
    say('up.try'),
    `  curl ${url}/chat -H 'authorization: Bearer ${apiKey}' -H 'content-type: application/json' -d '${body}'`,
  ];
}
