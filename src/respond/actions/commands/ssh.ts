// command.ssh: a playbook's shell command on another machine, through the system's own ssh, which must know that machine.
import { RempartError } from '../../../platform/base/errors.ts';
import { printable } from '../../../platform/containers/engine-transport.ts';
import type { Action } from '../../engine/action.ts';
import { outcomeOf } from './bash.ts';
import {
  type CommandGiven,
  type CommandParts,
  commandSchema,
  oneTarget,
  probeOf,
  secretOf,
  shown,
} from './command-parts.ts';
import { runProgram } from './run-program.ts';
import { shellProgram } from './shell-text.ts';

const maxOutputBytes = 256 * 1024;
/** ssh(1): what it ends with itself, instead of the command's own. */
const sshFailed = 255;

interface Place {
  host: string;
  port: number;
  user: string | undefined;
  /** The file of a private key. */
  key: string | undefined;
}

export function sshAction(parts: CommandParts): Action<CommandGiven> {
  return {
    name: 'command.ssh',
    class: 'contain',
    args: commandSchema as Action<CommandGiven>['args'],
    async plan(args) {
      const { host, port, user } = placeOf(args, parts.secrets);
      const { text } = shellProgram(args.command, args.values);
      const target = `${user === undefined ? '' : `${user}@`}${host}:${port}`;
      return { effects: [{ target, change: 'run', to: shown(text) }], reversible: false, before: {} };
    },
    probe: async (_args, context) => probeOf(parts.evidence, context),
    async act(args, context) {
      const place = placeOf(args, parts.secrets);
      const { text, variables } = shellProgram(args.command, args.values);
      parts.evidence.begin(context);
      const ended = await runProgram({
        program: 'ssh',
        args: [...optionsFor(place, parts.knownHosts), '--', place.host, 'exec /bin/sh -s'],
        env: { PATH: parts.path, LANG: 'C.UTF-8', HOME: parts.home },
        input: scriptOf(text, variables),
        timeoutMs: parts.timeoutMs,
        maxBytes: maxOutputBytes,
        signal: context.signal,
      }).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'ENOENT' ? new RempartError('ERR_COMMAND_SSH_NONE') : error;
      });
      if (ended.exit === sshFailed) {
        parts.evidence.keep(context, `ssh-${context.now()}`, 'txt', printable(ended.stderr));
        throw new RempartError('ERR_COMMAND_SSH', { target: place.host });
      }
      return outcomeOf(parts, context, ended);
    },
  };
}

/** Throws ERR_COMMAND_TARGET for what is no name of a machine: ssh would take it for an option or a command of its own. */
function placeOf({ targets, login }: CommandGiven, secrets: CommandParts['secrets']): Place {
  const { target, address: host } = oneTarget(targets);
  if (!/^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/.test(host))
    throw new RempartError('ERR_COMMAND_TARGET', { target: printable(host) });
  const port = Number(target.port ?? 22);
  const user = login?.['username'];
  if (
    !Number.isInteger(port) ||
    port < 1 ||
    port > 65_535 ||
    (user !== undefined && !/^[\w][\w.-]{0,63}$/.test(String(user)))
  )
    throw new RempartError('ERR_COMMAND_TARGET', { target: printable(host) });
  const key = secretOf(login, secrets);
  // A key is handed over as a file: on the command line or in the environment others could read it.
  if (key !== undefined && !('file' in key))
    throw new RempartError('ERR_COMMAND_SECRET', { login: String(login?.type) });
  return { host, port, user: user === undefined ? undefined : String(user), key: key?.file };
}

/** ssh_config(5). What the user's own file says is left aside: it may forward an agent, or run a proxy. */
function optionsFor({ port, user, key }: Place, knownHosts: string | undefined): string[] {
  const set: Record<string, string> = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    ClearAllForwardings: 'yes',
    PermitLocalCommand: 'no',
    ConnectTimeout: '15',
    ...(knownHosts === undefined ? {} : { UserKnownHostsFile: knownHosts, GlobalKnownHostsFile: '/dev/null' }),
    IdentityAgent: 'none',
    ...(key === undefined ? {} : { IdentityFile: key, IdentitiesOnly: 'yes' }),
  };
  return [
    ...['-F', 'none', '-T', '-p', String(port)],
    ...(user === undefined ? [] : ['-l', user]),
    ...Object.entries(set).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ];
}

/** Read whole before any of it is run, so that the command cannot read the rest of it as its input. */
function scriptOf(text: string, variables: Readonly<Record<string, string>>): string {
  const assigned = Object.entries(variables).map(([name, value]) => `${name}=${singleQuoted(value)}\nexport ${name}\n`);
  return `${assigned.join('')}{\n${text}\n} </dev/null\n`;
}

/** Within single quotes no character means anything but the quote itself, POSIX shell 2.2.2. */
const singleQuoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
