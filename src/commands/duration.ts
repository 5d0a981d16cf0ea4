// A time as it is written on a command line: 90s, 30m, 12h, 7d.
import { type CommandInput, usageError } from './command.ts';

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const maxMs = 3_653 * 86_400_000;

/** Milliseconds; undefined when the option was not given. Throws ERR_USAGE. */
export function durationOption(
  input: CommandInput,
  command: string,
  option: string,
  minMs: number,
): number | undefined {
  const given = input.options[option];
  if (given === undefined) return undefined;
  const [, count = '', unit = ''] = /^(\d{1,9})([smhd]?)$/.exec(String(given).trim()) ?? [];
  const ms = unit === '' && count !== '0' ? Number.NaN : Number(count) * (units[unit] ?? 0);
  if (count !== '' && ms >= minMs && ms <= maxMs) return ms;
  throw usageError(input, command, 'access.usage.duration', { flag: `--${option}`, given: String(given) });
}
