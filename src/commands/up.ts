// `rempart up`: gateway, chatbot and console, until Ctrl-C.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { App } from '../app.ts';
import { type Config, loadConfig, maxWorkers } from '../config.ts';
import { createLog } from '../platform/base/log.ts';
import { openLogFile } from '../platform/base/log-file.ts';
import { type Command, type CommandInput, usageError, wholeNumber } from './command.ts';

/**
 * Of all threads: a heap is looked through once half as much again has gathered in it, not four times as much. Under load
 * 60 MB of 175 were in use; an instance holds 90 to 130 MB less, and what it costs was lost in the noise (0.91 to 1.17).
 */
const sparingHeap = '--heap-growing-percent=50';

export const up: Command = {
  name: 'up',
  summary: 'up.summary',
  options: {
    port: { type: 'string', value: 'PORT', summary: 'up.flag.port' },
    'console-port': { type: 'string', value: 'PORT', summary: 'up.flag.console-port' },
    workers: { type: 'string', value: 'N', summary: 'up.flag.workers' },
  },
  async run(input) {
    const bounds = { min: 0, max: 65_535 };
    const port = wholeNumber(input, 'up', 'port', bounds);
    const consolePort = wholeNumber(input, 'up', 'console-port', bounds);
    const workers = workersOf(input);
    // A file that was there at the start and is gone later is a mistake, not the wish for defaults.
    const asked = input.configAsked || existsSync(input.configFile);
    const load = (): Config => {
      const file = loadConfig({ file: input.configFile, asked, env: input.env });
      return {
        ...file,
        gateway: {
          ...file.gateway,
          port: port ?? file.gateway.port,
          workers: workers ?? file.gateway.workers,
        },
        console: { ...file.console, port: consolePort ?? file.console.port },
      };
    };
    const config = load();
    setFlagsFromString(sparingHeap);
    const { startApp } = await import('../app.ts');
    // A person reads the terminal: what is written for machines goes to a file. A pipe or a service manager gets it all.
    const logFile = isTerminal(input.stderr) ? join(input.data, 'log', 'rempart.log') : undefined;
    let logTo = standardError;
    const openLog = () => {
      if (logFile !== undefined) logTo = openLogFile(logFile);
      return createLog(config.log, logTo);
    };
    const app = await startApp({
      config,
      data: input.data,
      configFile: input.configFile,
      loadAnew: load,
      lang: input.lang,
      openLog,
      logTo: () => logTo,
      signal: input.signal,
    });
    announce(input, app, logFile);
    if (!input.signal.aborted) await once(input.signal, 'abort');
    if (!input.json) input.stderr.write(`${input.say('up.stopping')}\n`);
    await app.close();
    if (!input.json) input.stderr.write(`${input.say('up.stopped')}\n`);
    // Ctrl-C is how it is meant to end, so it ends well.
    return 0;
  },
};

const standardError = 2;

function workersOf(input: CommandInput): number | 'auto' | undefined {
  const given = input.options['workers'];
  if (given === undefined || given === 'auto') return given;
  const count = typeof given === 'string' && /^\d{1,3}$/.test(given) ? Number(given) : 0;
  if (count >= 1 && count <= maxWorkers) return count;
  throw usageError(input, 'up', 'up.workers.usage', { given: String(given), most: maxWorkers });
}

function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}

function announce({ json, say, stdout }: CommandInput, app: App, logFile: string | undefined): void {
  const { gatewayUrl, consoleUrl, workers, standin, storeAway, firstRun } = app;
  if (json) {
    const document = { schema: 'rempart/up@1', gatewayUrl, consoleUrl, workers, standin, storeAway, ...firstRun };
    stdout.write(`${JSON.stringify(document)}\n`);
    return;
  }
  const width = Math.max(say('up.gateway').length, say('up.console').length);
  const lines = [
    say('up.started'),
    `  ${say('up.gateway').padEnd(width)}  ${gatewayUrl}`,
    `  ${say('up.console').padEnd(width)}  ${consoleUrl}`,
    ...(workers > 1 ? [say('up.workers', { count: workers })] : []),
    ...(standin ? [say('up.standin')] : []),
    ...(storeAway ? [say('up.store-away')] : []),
    ...(logFile === undefined ? [] : [say('up.log', { file: logFile })]),
    ...(firstRun === undefined ? [] : firstLines(firstRun, gatewayUrl, say)),
  ];
  stdout.write(`${lines.join('\n')}\n`);
}

function firstLines(
  { password, apiKey }: NonNullable<App['firstRun']>,
  url: string,
  say: CommandInput['say'],
): string[] {
  const shown: [string, string][] = [];
  if (password !== undefined) shown.push([say('up.password'), password]);
  if (apiKey !== undefined) shown.push([say('up.key'), apiKey]);
  const width = Math.max(...shown.map(([name]) => name.length));
  const secrets = ['', say('up.first'), ...shown.map(([name, secret]) => `  ${name.padEnd(width)}  ${secret}`)];
  if (apiKey === undefined) return secrets;
  const body = JSON.stringify({ message: say('up.try.question') }).replaceAll("'", '\u2019');
  return [
    ...secrets,
    '',
    say('up.try'),
    `  export REMPART_KEY=${apiKey}`,
    `  curl ${url}/chat -H "authorization: Bearer $REMPART_KEY" -H 'content-type: application/json' -d '${body}'`,
  ];
}
