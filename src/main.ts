// The CLI's door: finds the command, runs it, says errors in one sentence. The only file that ends the process.
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import type { Command, CommandInput } from './commands/command.ts';
import { unknownCommand, writeHelp } from './commands/help.ts';
import { commands } from './commands/index.ts';
import { findCommand, parseCommand, readEverywhere } from './commands/parse.ts';
import { explainError, RempartError } from './platform/base/errors.ts';
import { watchLauncher } from './platform/base/launcher.ts';
import { type Lang, sayer } from './platform/i18n/say.ts';

const interrupted = 130;
type Flags = Record<string, string | boolean | undefined>;

/** Runs one command line and ends the process with its exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  // Someone who pipes into `head` has read enough: not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const flags = readEverywhere(argv);
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(interrupted); // asked twice: the clean-up is cut short
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  // Nobody is left to read or to interrupt: the same clean end as an interruption.
  watchLauncher(process.env, () => stop.abort());
  // What a command waits for may hold no handle open (a thread at rest): the process stays until the command has ended.
  setInterval(() => {}, 2 ** 30);
  let code: number;
  try {
    code = await dispatch(argv, flags, stop.signal);
  } catch (error) {
    code = stop.signal.aborted && isAbort(error) ? interrupted : report(error, flags);
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit(code);
}

async function dispatch(argv: readonly string[], flags: Flags, signal: AbortSignal): Promise<number> {
  const lang = languageOf(flags);
  const say = sayer(lang);
  const found = findCommand(argv, Object.keys(commands));
  if (found === undefined) {
    if (flags['version'] === true) {
      const json = flags['json'] === true;
      process.stdout.write(
        json ? `${JSON.stringify({ schema: 'rempart/version@1', version: version() })}\n` : `${version()}\n`,
      );
      return 0;
    }
  } else if (!Object.hasOwn(commands, found.name)) {
    throw unknownCommand({ say }, found.name, Object.keys(commands));
  }
  const command = await loadCommand(found?.name ?? 'help');
  const rest = found === undefined ? argv : argv.toSpliced(found.at, 1);
  const { args, options } = parseCommand(rest, command, say);
  if (options['lang'] !== undefined && options['lang'] !== 'fr' && options['lang'] !== 'en')
    throw new RempartError('ERR_LANG_UNKNOWN', { lang: String(options['lang']) });
  if (options['help'] === true && found !== undefined) {
    writeHelp({ say, json: options['json'] === true, stdout: process.stdout }, command, args[0]);
    return 0;
  }
  return command.run(inputFor({ args, options, lang, signal }));
}

function inputFor(given: Pick<CommandInput, 'args' | 'options' | 'lang' | 'signal'>): CommandInput {
  const { options, lang } = given;
  return {
    ...given,
    say: sayer(lang),
    json: options['json'] === true,
    data: typeof options['data'] === 'string' ? options['data'] : '.rempart',
    configFile: typeof options['config'] === 'string' ? options['config'] : 'rempart.yaml',
    configAsked: typeof options['config'] === 'string',
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  };
}

async function loadCommand(name: string): Promise<Command> {
  const load = commands[name];
  if (load === undefined) throw new RempartError('ERR_INTERNAL');
  return load();
}

/** --lang, the configuration's lang, LC_ALL or LANG, en. The configuration is only glanced at here: a bad one is refused by the command that needs it. */
function languageOf(flags: Flags): Lang {
  if (flags['lang'] === 'fr' || flags['lang'] === 'en') return flags['lang'];
  try {
    const file = typeof flags['config'] === 'string' ? flags['config'] : 'rempart.yaml';
    const { lang } = parseYaml(readFileSync(file, 'utf8')) as { lang?: unknown };
    if (lang === 'fr' || lang === 'en') return lang;
  } catch {
    // No configuration, or not YAML: the environment decides.
  }
  return /^fr/i.test(process.env['LC_ALL'] || process.env['LANG'] || '') ? 'fr' : 'en';
}

/** Says an error in one sentence with its code and what to do, or as one JSON document; returns the exit code. */
function report(error: unknown, flags: Flags): number {
  const known = error instanceof RempartError ? error : new RempartError('ERR_INTERNAL', {}, error);
  const { says, todo: raw } = explainError(known, languageOf(flags));
  const todo = raw.replaceAll(/ {2,}/g, ' '); // a line without a command leaves its place empty
  if (flags['json'] === true)
    process.stdout.write(`${JSON.stringify({ error: { code: known.code, message: says, todo } })}\n`);
  else process.stderr.write(`${says} (${known.code}). ${todo}\n`);
  if (flags['debug'] === true) process.stderr.write(`${chain(known).join('\n')}\n`);
  return known.exit;
}

function chain(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.stack ?? error.message, ...(error.cause === undefined ? [] : chain(error.cause))];
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error as { code?: unknown }).code === 'ABORT_ERR');
}

function version(): string {
  const { version: found } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return found;
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
