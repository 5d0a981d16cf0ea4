// A command's text made ready for a shell: each reference becomes the expansion of a variable, so that its value is never read as code.
import { RempartError } from '../../../platform/base/errors.ts';
import type { CommandValue } from '../../playbooks/command-args.ts';

export interface ShellProgram {
  text: string;
  /** For the environment: REMPART_V0, REMPART_V1, … */
  variables: Record<string, string>;
}

/**
 * An expansion keeps a value from the shell's own grammar, but a second shell, `eval` or arithmetic would read it once
 * more. So values are of letters, digits and what stands in names, paths and addresses; none begins like an option, or
 * leads out of a folder.
 */
const plainValue = /^(?!-)(?!.* -)(?!(?:.*\/)?\.\.(?:\/|$))[\p{L}\p{N} _@%+=:,./-]{0,4096}$/u;

const reference = /^(__[a-zA-Z_][a-zA-Z0-9_-]{0,199}?__)(:value)?/;

/** Words after which a program stands. */
const runners = new Set(
  '. ! builtin command coproc do doas elif else env exec if nice nohup setsid source sudo then time timeout until while'.split(
    ' ',
  ),
);
/** Programs that take arguments for code, or keep them under a name by which they could be run afterwards. */
const interpreters = new Set(
  'alias at awk bash batch crontab csh dash declare eval expect export fish gawk ksh let local lua mawk nawk node parallel perl php python python3 readonly rsh ruby set sh ssh su tclsh trap typeset watch xargs zsh'.split(
    ' ',
  ),
);

/** Throws ERR_COMMAND_PLACE and ERR_COMMAND_VALUE. */
export function shellProgram(text: string, values: readonly CommandValue[]): ShellProgram {
  const byName = new Map(values.map((value) => [value.name, value]));
  const variables: Record<string, string> = {};
  for (const { name, value, fixed } of values)
    if (!fixed && !plainValue.test(value)) throw new RempartError('ERR_COMMAND_VALUE', { name });
  const expanded = walk(text, (name, place, before) => {
    const value = byName.get(name);
    if (value === undefined) return undefined;
    // The playbook's own text, wherever its author wants it.
    if (value.fixed) return value.value;
    if (place === 'forbidden' || isRun(before) || isRedirection(before))
      throw new RempartError('ERR_COMMAND_PLACE', { name });
    const variable = `REMPART_V${values.indexOf(value)}`;
    variables[variable] = value.value;
    return place === 'quoted' ? `\${${variable}}` : `"\${${variable}}"`;
  });
  return { text: expanded, variables };
}

type Place = 'bare' | 'quoted' | 'forbidden';

/** Follows the shell's quotes; `before` is what stands before the word that the reference belongs to. */
function walk(text: string, put: (name: string, place: Place, before: string) => string | undefined): string {
  let result = '';
  let quote: '' | '"' | "'" = '';
  let wordAt = 0;
  let afterHereDocument = false;
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    const [whole, name] = reference.exec(text.slice(at, at + 220)) ?? [];
    if (name !== undefined && whole !== undefined) {
      const place: Place = quote === "'" || afterHereDocument ? 'forbidden' : quote === '"' ? 'quoted' : 'bare';
      result += put(name, place, text.slice(0, wordAt)) ?? whole;
      at += whole.length;
      continue;
    }
    if (char === '\\' && quote !== "'") {
      result += text.slice(at, at + 2);
      at += 2;
      continue;
    }
    if (quote === '' && char === '#' && /^$|[\s;&|(]$/.test(text.slice(0, at))) {
      const end = text.indexOf('\n', at);
      const until = end < 0 ? text.length : end;
      // A comment is nobody's argument: its references stay as they are.
      result += text.slice(at, until);
      at = until;
      continue;
    }
    if (quote === '' && text.startsWith('<<', at) && text[at + 2] !== '<' && text[at - 1] !== '<')
      afterHereDocument = true;
    if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    if (quote === '' && /[\s;&|()<>`]/.test(char)) wordAt = at + 1;
    // What is within `$(…)` or backticks is a command of its own, also in double quotes.
    if (quote === '"' && (char === '`' || text.startsWith('$(', at - 1))) wordAt = at + 1;
    result += char;
    at++;
  }
  return result;
}

/** Where a word is itself what is run, or is run by what stands before it. */
function isRun(before: string): boolean {
  const words = (/[^\n;&|(){}`]*$/.exec(before)?.[0] ?? '')
    .split(/\s+/)
    .filter((word) => word !== '' && !/^\w+=/.test(word));
  const first = words.findIndex((word) => !runners.has(word) && !word.startsWith('-'));
  const rest = first < 0 ? [] : words.slice(first);
  const hadOption = words.slice(0, first < 0 ? undefined : first).some((word) => word.startsWith('-'));
  // An option may have a value of its own, so that the word after it is no program yet.
  if (rest.length <= (hadOption ? 1 : 0)) return true;
  return rest.some((word) => interpreters.has(word.replace(/^.*\//, '')) || /^-(exec|execdir|ok|okdir)$/.test(word));
}

const isRedirection = (before: string): boolean => /[<>][&|]?[ \t]*$/.test(before);
