// What a command of the command line is: data that main.ts reads, and one function that does the work.
import { RempartError } from '../platform/base/errors.ts';
import type { Lang, Say, TextKey } from '../platform/i18n/say.ts';

export interface CommandOption {
  type: 'string' | 'boolean';
  short?: string;
  /** Name of the value in the help, e.g. PORT; only for strings. */
  value?: string;
  summary: TextKey;
}

export interface Command {
  name: string;
  summary: TextKey;
  positionals?: { name: string; many?: boolean; optional?: boolean };
  options: Record<string, CommandOption>;
  /** The first word after the name, when it chooses among several things to do. */
  actions?: Readonly<Record<string, CommandAction>>;
  /** One more paragraph of the help. */
  more?: TextKey;
  /** Resolves to the exit code (0, 1, 2 or 3; 130 when `signal` interrupted work). Throws RempartError for what the user must know. */
  run(input: CommandInput): Promise<number>;
}

export interface CommandAction {
  /** What comes after the command's name in a line that works. */
  usage: string;
  summary: TextKey;
  /** Which of the command's options it takes. */
  options: readonly string[];
}

export interface CommandInput {
  /** The positionals after the command's name. */
  args: string[];
  options: Record<string, string | boolean | undefined>;
  lang: Lang;
  say: Say;
  /** One JSON document on stdout; progress and prose on stderr. */
  json: boolean;
  /** The data directory. */
  data: string;
  configFile: string;
  /** The user named the configuration file, so it must exist. */
  configAsked: boolean;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  /** Aborted by Ctrl-C or SIGTERM: clean up, then return. */
  signal: AbortSignal;
  env: Readonly<Record<string, string | undefined>>;
}

/** ERR_USAGE with its sentence in the user's language. */
export function usageError(input: Pick<CommandInput, 'say'>, command: string, key: TextKey, facts = {}): RempartError {
  return new RempartError('ERR_USAGE', { what: input.say(key, facts), command });
}

/** An option as a whole number within bounds; undefined when it was not given. Throws ERR_USAGE. */
export function wholeNumber(
  input: CommandInput,
  command: string,
  option: string,
  bounds: { min: number; max: number },
): number | undefined {
  const given = input.options[option];
  if (given === undefined) return undefined;
  const number = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  if (number >= bounds.min && number <= bounds.max) return number;
  throw usageError(input, command, 'cli.usage.number', { flag: `--${option}`, given: String(given), ...bounds });
}
