// `rempart mode safe|lockdown|heightened on|off [--for 72h]`: through the running instance when there is one, else directly on the data directory.
import { join } from 'node:path';
import { answersControl, callControl } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { JsonObject } from '../platform/base/json.ts';
import { openJournals } from '../platform/journal/journals.ts';
import { createSwitchMode, modeCommands } from '../protect/mode-commands.ts';
import { type ModeName, type ModeState, modeNames, openModes } from '../protect/modes.ts';
import { account } from './account.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { holdData, instanceAnswers } from './hold-data.ts';

const action = (name: ModeName) => ({
  usage: `${name} on|off [--for 72h]`,
  summary: `mode.${name}.summary` as const,
  options: ['for'],
});

export const mode: Command = {
  name: 'mode',
  summary: 'mode.summary',
  positionals: { name: `${modeNames.join('|')} on|off`, many: true, optional: true },
  options: { for: { type: 'string', value: 'TIME', summary: 'mode.flag.for' } },
  actions: { safe: action('safe'), lockdown: action('lockdown'), heightened: action('heightened') },
  more: 'mode.more',
  async run(input) {
    const [given, wanted, ...more] = input.args;
    if (given === undefined) return list(input);
    const name = modeNames.find((known) => known === given);
    if (name === undefined) throw usageError(input, 'mode', 'cli.usage.choice', { given, known: modeNames.join(', ') });
    if (wanted === undefined)
      throw usageError(input, 'mode', 'cli.usage.argument.missing', { command: `mode ${name}`, argument: 'on|off' });
    if (wanted !== 'on' && wanted !== 'off')
      throw usageError(input, 'mode', 'cli.usage.choice', { given: wanted, known: 'on, off' });
    const [extra] = more;
    if (extra !== undefined) throw usageError(input, 'mode', 'cli.usage.argument.unexpected', { argument: extra });
    const on = wanted === 'on';
    const forMs = lasting(input, on);
    const change = { name, on, by: account(input.env), ...(forMs === undefined ? {} : { forMs }) };
    const state = (await ask(input, 'mode.set', change)) as ModeState;
    if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/mode@1', modes: [shown(state)] })}\n`);
    else input.stdout.write(`${sentence(input, state)}\n`);
    return 0;
  },
};

async function list(input: CommandInput): Promise<number> {
  lasting(input, false);
  const states = (await ask(input, 'mode.list', {})) as ModeState[];
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/mode@1', modes: states.map(shown) })}\n`);
  else input.stdout.write(`${states.map((state) => sentence(input, state)).join('\n')}\n`);
  return 0;
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, j: 86_400_000 };
const longestMs = 366 * 86_400_000;

/** `--for` in milliseconds; only what is turned on can last. */
function lasting(input: CommandInput, on: boolean): number | undefined {
  const given = input.options['for'];
  if (given === undefined) return undefined;
  if (!on) throw usageError(input, 'mode', 'mode.usage.for-off');
  const match = /^(\d{1,9})([smhdj])$/.exec(String(given));
  const ms = match === null ? 0 : Number(match[1]) * (units[match[2] ?? ''] ?? 0);
  if (ms >= 1_000 && ms <= longestMs) return ms;
  throw usageError(input, 'mode', 'mode.usage.for', { given: String(given) });
}

function shown({ name, on, since, until, by }: ModeState): JsonObject {
  const instant = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return { name, on, since: instant(since), until: instant(until), by: by ?? null };
}

function sentence({ say, lang }: CommandInput, { name, on, until }: ModeState): string {
  const does = say(`mode.${name}.does`);
  if (!on) return say('mode.off', { name });
  if (until === undefined) return say('mode.on', { name, does });
  const time = new Date(until).toLocaleString(lang, { dateStyle: 'medium', timeStyle: 'short' });
  return say('mode.on.until', { name, does, time });
}

async function ask({ data }: CommandInput, command: 'mode.set' | 'mode.list', args: JsonObject): Promise<unknown> {
  // A look needs no turn: whoever holds the directory without answering goes on meanwhile.
  const isAnswered = command === 'mode.list' ? await answersControl(data) : await instanceAnswers(data);
  if (isAnswered) return callControl(data, command, args);
  const file = join(data, 'modes.json');
  if (command === 'mode.list') {
    const modes = openModes(file, { now: Date.now });
    modes.close();
    return modes.all();
  }
  const directory = await holdData(data);
  if (directory === null) return callControl(data, command, args);
  try {
    const modes = openModes(file, { now: Date.now });
    const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'journal.key.pem') });
    try {
      const journal = await journals.stream('gateway');
      const handler = modeCommands(modes, createSwitchMode({ modes, journal, now: Date.now }))[command];
      if (handler === undefined) throw new RempartError('ERR_INTERNAL');
      return await handler(args);
    } finally {
      modes.close();
      await journals.close();
    }
  } finally {
    directory.lock.release();
  }
}
