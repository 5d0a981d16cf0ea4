// A command line taken apart: which command, its arguments and options, or one sentence on what is wrong.
import { parseArgs } from 'node:util';
import { near } from '../platform/base/nearest.ts';
import type { Say, TextKey } from '../platform/i18n/say.ts';
import { type Command, type CommandOption, usageError } from './command.ts';

/** The options that every command takes, at any place of the line. */
export const everywhere: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', summary: 'cli.flag.json' },
  lang: { type: 'string', value: 'fr|en', summary: 'cli.flag.lang' },
  config: { type: 'string', value: 'FILE', summary: 'cli.flag.config' },
  data: { type: 'string', value: 'DIR', summary: 'cli.flag.data' },
  debug: { type: 'boolean', summary: 'cli.flag.debug' },
  help: { type: 'boolean', short: 'h', summary: 'cli.flag.help' },
  version: { type: 'boolean', short: 'v', summary: 'cli.flag.version' },
};

/**
 * Where the command's name stands in the line, and that name; undefined when there is none.
 * A word after an unknown option may be that option's value, so it is the name only when a command is called so.
 */
export function findCommand(
  argv: readonly string[],
  names: readonly string[],
): { at: number; name: string } | undefined {
  const { tokens } = tokenize(argv, everywhere);
  let first: { at: number; name: string } | undefined;
  let afterUnknown = false;
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (names.includes(token.value) || !afterUnknown) return { at: token.index, name: token.value };
      first ??= { at: token.index, name: token.value };
    }
    afterUnknown = token.kind === 'option' && everywhere[token.name] === undefined && token.value === undefined;
  }
  return first;
}

/** The values of the options that every command takes, read before anything is checked. */
export function readEverywhere(argv: readonly string[]): Record<string, string | boolean | undefined> {
  return tokenize(argv, everywhere).values as Record<string, string | boolean | undefined>;
}

export interface Parsed {
  args: string[];
  options: Record<string, string | boolean | undefined>;
}

/** Checks the words after the command's name. Throws ERR_USAGE for an unknown option, a missing value, a missing or unexpected argument. */
export function parseCommand(argv: readonly string[], command: Command, say: Say): Parsed {
  const known = { ...everywhere, ...command.options };
  const complain = (key: TextKey, facts: Record<string, string>) => usageError({ say }, command.name, key, facts);
  const { tokens } = tokenize(argv, known);
  const args: string[] = [];
  const options: Parsed['options'] = {};
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (option === undefined) {
      const flags = Object.keys(known);
      const meant = near(token.name, flags);
      if (meant === '') throw complain('cli.usage.flag.unknown.far', { flag: token.rawName });
      throw complain('cli.usage.flag.unknown', { flag: token.rawName, nearest: `--${meant}` });
    }
    if (option.type === 'boolean') {
      if (token.value !== undefined) throw complain('cli.usage.flag.value.unexpected', { flag: token.rawName });
      options[token.name] = true;
      continue;
    }
    // A value that begins with a dash is another option whose own was forgotten; `--name=-x` says it is meant.
    const forgotten = token.value === undefined || token.value === '';
    if (forgotten || (!token.inlineValue && /^-./.test(token.value)))
      throw complain('cli.usage.flag.value.missing', { flag: token.rawName });
    options[token.name] = token.value;
  }
  if (options['help'] !== true) checkArguments(args, command, complain);
  return { args, options };
}

function checkArguments(
  args: readonly string[],
  command: Command,
  complain: (key: TextKey, facts: Record<string, string>) => Error,
): void {
  const { positionals } = command;
  const most = positionals === undefined ? 0 : positionals.many === true ? Number.POSITIVE_INFINITY : 1;
  const extra = args[most];
  if (extra !== undefined) throw complain('cli.usage.argument.unexpected', { argument: extra });
  if (positionals !== undefined && positionals.optional !== true && args.length === 0)
    throw complain('cli.usage.argument.missing', { command: command.name, argument: positionals.name });
}

function tokenize(argv: readonly string[], options: Readonly<Record<string, CommandOption>>) {
  return parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { type, short }]) => [
        name,
        short === undefined ? { type } : { type, short },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
}
