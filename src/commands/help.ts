// The help: what Rempart can do, one line a command, and what each command takes.

import { near } from '../platform/base/nearest.ts';
import type { Say } from '../platform/i18n/say.ts';
import { type Command, type CommandInput, type CommandOption, usageError } from './command.ts';
import { everywhere } from './parse.ts';

type Table = Readonly<Record<string, () => Promise<Command>>>;

/** The command `help [COMMAND]` over a table of commands. */
export function createHelp(table: () => Table): Command {
  return {
    name: 'help',
    summary: 'help.summary',
    positionals: { name: 'COMMAND', many: true, optional: true },
    options: {},
    async run(input: CommandInput) {
      const [name, action] = input.args;
      if (name !== undefined && !Object.hasOwn(table(), name)) throw unknownCommand(input, name, Object.keys(table()));
      const load = name === undefined ? undefined : table()[name];
      if (load !== undefined) writeHelp(input, await load(), action);
      else if (input.json) input.stdout.write(`${JSON.stringify(await overviewDocument(table(), input.say))}\n`);
      else input.stdout.write(await overview(table(), input.say));
      return 0;
    },
  };
}

/** ERR_USAGE for a command that does not exist, with the one that was probably meant. */
export function unknownCommand(input: Pick<CommandInput, 'say'>, command: string, known: readonly string[]): Error {
  const meant = near(command, known);
  if (meant === '') return usageError(input, '', 'cli.usage.command.unknown.far', { command, known: known.join(', ') });
  return usageError(input, '', 'cli.usage.command.unknown', { command, nearest: meant });
}

/** Writes the page of one command, or of one of its actions, as text or as one JSON document. */
export function writeHelp(
  input: Pick<CommandInput, 'say' | 'json' | 'stdout'>,
  command: Command,
  action?: string,
): void {
  const { say, json, stdout } = input;
  const page = narrowed(command, action);
  stdout.write(
    json
      ? `${JSON.stringify({ schema: 'rempart/help@1', command: helpDocument(page, say) })}\n`
      : commandHelp(page, say),
  );
}

/** A command with only what one of its actions takes. */
function narrowed(command: Command, name: string | undefined): Command {
  const { actions, positionals: _, ...rest } = command;
  const action =
    name !== undefined && actions !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) return command;
  const options = Object.entries(command.options).filter(([option]) => action.options.includes(option));
  return {
    ...rest,
    name: `${command.name} ${action.usage}`,
    summary: action.summary,
    options: Object.fromEntries(options),
  };
}

async function overviewDocument(table: Table, say: Say): Promise<object> {
  const loaded = await Promise.all(Object.values(table).map((load) => load()));
  return { schema: 'rempart/help@1', commands: loaded.map((command) => helpDocument(command, say)) };
}

function helpDocument(command: Command, say: Say): object {
  const { name, summary, options, actions } = command;
  return {
    name,
    usage: `rempart ${synopsis(command)}`,
    summary: say(summary),
    ...(actions === undefined
      ? {}
      : { actions: Object.values(actions).map((one) => ({ usage: one.usage, summary: say(one.summary) })) }),
    options: Object.entries({ ...options, ...everywhere }).map(([option, { value, summary: text }]) => ({
      name: `--${option}`,
      ...(value === undefined ? {} : { value }),
      summary: say(text),
    })),
  };
}

/** The page of `rempart` alone. */
export async function overview(table: Table, say: Say): Promise<string> {
  const loaded = await Promise.all(Object.values(table).map((load) => load()));
  const examples = [
    ['rempart up', say('cli.try.up')],
    ['rempart simulate --allow-load', say('cli.try.simulate')],
    ['rempart keys create --subject alice', say('cli.try.keys')],
    ['rempart journal verify', say('cli.try.journal')],
  ];
  return [
    say('cli.about'),
    '',
    `${say('cli.usage')} rempart COMMAND`,
    '',
    say('cli.commands'),
    ...columns(loaded.map((command) => [synopsis(command), say(command.summary)])),
    '',
    say('cli.flags.everywhere'),
    ...columns(flagRows(everywhere, say)),
    '',
    say('cli.examples'),
    ...columns(examples),
    '',
    say('cli.more'),
    say('cli.exit'),
    '',
  ].join('\n');
}

/** The page of `rempart COMMAND --help`. */
export function commandHelp(command: Command, say: Say): string {
  const own = flagRows(command.options, say);
  return [
    say(command.summary),
    '',
    `${say('cli.usage')} rempart ${synopsis(command)}`,
    '',
    ...(command.actions === undefined ? [] : [say('cli.actions'), ...columns(actionRows(command.actions, say)), '']),
    ...(command.more === undefined ? [] : [say(command.more), '']),
    ...(own.length > 0 ? [say('cli.flags'), ...columns(own), ''] : []),
    say('cli.flags.everywhere'),
    ...columns(flagRows(everywhere, say)),
    '',
    say('cli.exit'),
    '',
  ].join('\n');
}

function synopsis({ name, positionals }: Command): string {
  if (positionals === undefined) return name;
  const word = positionals.many === true && !/[\] ]/.test(positionals.name) ? `${positionals.name}…` : positionals.name;
  return `${name} ${positionals.optional === true ? `[${word}]` : word}`;
}

function actionRows(actions: NonNullable<Command['actions']>, say: Say): string[][] {
  return Object.values(actions).map(({ usage, summary }) => [usage, say(summary)]);
}

function flagRows(options: Readonly<Record<string, CommandOption>>, say: Say): string[][] {
  return Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    return [`${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`, say(option.summary)];
  });
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left = '']) => left.length));
  return rows.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}`);
}
