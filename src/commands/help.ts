// The help: what Rempart can do, one line a command, and what each command takes.

import { nearest } from '../platform/base/nearest.ts';
import type { Say } from '../platform/i18n/say.ts';
import { type Command, type CommandInput, type CommandOption, usageError } from './command.ts';
import { everywhere } from './parse.ts';

type Table = Readonly<Record<string, () => Promise<Command>>>;

/** The command `help [COMMAND]` over a table of commands. */
export function createHelp(table: () => Table): Command {
  return {
    name: 'help',
    summary: 'help.summary',
    positionals: { name: 'COMMAND', optional: true },
    options: {},
    async run(input: CommandInput) {
      const [name] = input.args;
      if (name !== undefined && !Object.hasOwn(table(), name)) {
        const facts = { command: name, nearest: nearest(name, Object.keys(table())) };
        throw usageError(input, '', 'cli.usage.command.unknown', facts);
      }
      const load = name === undefined ? undefined : table()[name];
      const text = load === undefined ? await overview(table(), input.say) : commandHelp(await load(), input.say);
      input.stdout.write(text);
      return 0;
    },
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
