// command.bash: a playbook's shell command on this machine; what comes from outside reaches it as data only.
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { RempartError } from '../../../platform/base/errors.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import { scrub } from '../scrub.ts';
import {
  type CommandGiven,
  type CommandParts,
  commandSchema,
  endedWith,
  mustBeHere,
  probeOf,
  shown,
} from './command-parts.ts';
import { type ProgramEnd, runProgram } from './run-program.ts';
import { shellProgram } from './shell-text.ts';

const maxOutputBytes = 256 * 1024;

export function bashAction(parts: CommandParts): Action<CommandGiven> {
  return {
    name: 'command.bash',
    class: 'contain',
    args: commandSchema as Action<CommandGiven>['args'],
    async plan({ command, values, targets }) {
      mustBeHere(targets, hostname());
      const { text } = shellProgram(command, values);
      return { effects: [{ target: 'localhost', change: 'run', to: shown(text) }], reversible: false, before: {} };
    },
    probe: async (_args, context) => probeOf(parts.evidence, context),
    async act({ command, values, targets }, context) {
      mustBeHere(targets, hostname());
      const { text, variables } = shellProgram(command, values);
      parts.evidence.begin(context);
      const own = ownCommand(parts.rempart);
      const isBash = existsSync('/bin/bash');
      const ended = await runProgram({
        program: isBash ? '/bin/bash' : '/bin/sh',
        args: [...(isBash ? ['--noprofile', '--norc'] : []), '-c', `${own.text}${text}`, 'rempart'],
        env: { ...parts.environment, PATH: parts.path, LANG: 'C.UTF-8', HOME: '/', ...own.variables, ...variables },
        timeoutMs: parts.timeoutMs,
        maxBytes: maxOutputBytes,
        signal: context.signal,
      });
      return outcomeOf(parts, context, ended);
    },
  };
}

/** A function of the shell, so that `rempart journal verify` means this instance, wherever the shell is. */
function ownCommand(rempart: CommandParts['rempart']): { text: string; variables: Record<string, string> } {
  if (rempart === undefined) return { text: '', variables: {} };
  const { node, program, data, configFile } = rempart;
  const config = configFile === undefined ? '' : ' --config "$REMPART_CONFIG"';
  return {
    text: `rempart() { "$REMPART_NODE" "$REMPART_PROGRAM" "$@" --data "$REMPART_DATA"${config}; }\n`,
    variables: {
      REMPART_NODE: node,
      REMPART_PROGRAM: program,
      REMPART_DATA: data,
      ...(configFile === undefined ? {} : { REMPART_CONFIG: configFile }),
    },
  };
}

/** Throws ERR_COMMAND_TIMEOUT and ERR_COMMAND_FAILED; the output is kept in either case. */
export function outcomeOf(parts: CommandParts, context: ActionContext, ended: ProgramEnd) {
  const { exit, stdout, stderr, dropped, timedOut } = ended;
  const report = [`exit ${exit ?? 'by signal'}`, '--- stdout', stdout, '--- stderr', stderr].join('\n');
  const output = parts.evidence.keep(context, 'output', 'txt', `${scrub(report, 2 * maxOutputBytes)}\n`);
  if (timedOut) throw new RempartError('ERR_COMMAND_TIMEOUT', { seconds: Math.round(parts.timeoutMs / 1_000) });
  if (exit !== 0) throw new RempartError('ERR_COMMAND_FAILED', { exit: exit ?? 'signal' });
  return endedWith(parts, context, { exit, output, ...(dropped === 0 ? {} : { dropped }) }, stdout);
}
