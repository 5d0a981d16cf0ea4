// What the commands of a playbook have in common: their arguments, their target, their login, and their output as evidence.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import { printable } from '../../../platform/containers/engine-transport.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import type { Tasks } from '../../engine/durable.ts';
import type { Evidence } from '../evidence.ts';
import { scrub, scrubLine } from '../scrub.ts';

/** Where a secret is; its value is read when it is used and kept nowhere. */
export type SecretAt = { file: string } | { value: string };

export interface CommandParts {
  tasks: Pick<Tasks, 'ask' | 'find' | 'settled'>;
  evidence: Evidence;
  /** By the id that playbooks call them. */
  secrets: Readonly<Record<string, SecretAt>>;
  /** What the addresses of http-api commands may begin with. */
  urls: readonly string[];
  knownHosts?: string | undefined;
  timeoutMs: number;
  /** For programs; nothing else of the environment reaches them. */
  path: string;
  /** Variables of the environment that the configuration hands on to commands on this machine. */
  environment?: Readonly<Record<string, string>>;
  /** What `rempart` is in a command: this program, on this instance's data and configuration. */
  rempart?: { node: string; program: string; data: string; configFile?: string | undefined };
  /** Where ssh looks for the machines it knows. */
  home: string;
}

export const targetSchema = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  address: z.record(z.string(), z.array(z.string())).optional(),
  port: z.string().optional(),
});
export type Target = z.output<typeof targetSchema>;

export const commandSchema = z.strictObject({
  command: z.string().max(100_000),
  values: z.array(z.strictObject({ name: z.string(), value: z.string(), fixed: z.boolean() })).default([]),
  description: z.string().optional(),
  headers: z.record(z.string(), z.array(z.string())).optional(),
  content: z.string().optional(),
  targets: z.array(targetSchema).default([]),
  login: z.looseObject({ type: z.string().optional() }).optional(),
});
export type CommandGiven = z.output<typeof commandSchema>;

/** Something that begins like it was done is only known to be done when its end was kept; a start without an end is unknown. */
export function probeOf(evidence: Evidence, context: ActionContext): Awaited<ReturnType<Action['probe']>> {
  const kept = evidence.finished(context);
  if (kept !== undefined) {
    const { out, ...facts } = kept;
    const [first] = context.outArgs;
    const told = typeof out === 'string' && first !== undefined ? { out: { [first]: out } } : {};
    return { state: 'done', done: { evidence: facts, ...told } };
  }
  return { state: evidence.begun(context) ? 'unknown' : 'not-done' };
}

const maxOutChars = 4_096;

/** Kept without secrets; the first out-variable gets the beginning of it. */
export function endedWith(
  { evidence }: Pick<CommandParts, 'evidence'>,
  context: ActionContext,
  facts: JsonObject,
  out: string,
): { out?: Record<string, string>; evidence: JsonObject } {
  const plain = scrub(out, maxOutChars).trim();
  evidence.finish(context, { ...facts, out: plain });
  const [first] = context.outArgs;
  return { evidence: facts, ...(first === undefined ? {} : { out: { [first]: plain } }) };
}

/** What people are shown of a command before they allow it. */
export const shown = (text: string): string => scrubLine(text, 300);

const here = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/** Addresses of a target, as the playbook's author put them down, whatever kind they are. */
export function addressesOf({ address = {} }: Target): string[] {
  return Object.values(address).flat();
}

/** Throws ERR_COMMAND_TARGET for another machine: what is meant for it is not run here instead. */
export function mustBeHere(targets: readonly Target[], hostname: string): void {
  for (const target of targets) {
    const other = addressesOf(target).find((address) => !here.has(address) && address !== hostname);
    if (other !== undefined) throw new RempartError('ERR_COMMAND_TARGET', { target: printable(other) });
  }
}

/** The one machine that a command is for. Throws ERR_COMMAND_TARGET. */
export function oneTarget(targets: readonly Target[]): { target: Target; address: string } {
  const [target, more] = targets;
  const addresses = target === undefined ? [] : addressesOf(target);
  if (target === undefined || more !== undefined || addresses.length !== 1)
    throw new RempartError('ERR_COMMAND_TARGET', { target: printable(addresses.join(' ')) || '?' });
  return { target, address: addresses[0]! };
}

const inClear = ['password', 'private_key', 'oauth_header', 'token', 'secret'];

/** The secret of a login by its id. Throws ERR_COMMAND_SECRET for one in clear or unknown; none where the login names none. */
export function secretOf(login: CommandGiven['login'], secrets: CommandParts['secrets']): SecretAt | undefined {
  if (login === undefined) return undefined;
  const id = login['kms_key_identifier'];
  const refused = () => new RempartError('ERR_COMMAND_SECRET', { login: printable(String(login.type ?? '?')) });
  if (inClear.some((field) => login[field] !== undefined && login[field] !== '')) throw refused();
  if (id === undefined) return undefined;
  const secret = typeof id === 'string' && Object.hasOwn(secrets, id) ? secrets[id] : undefined;
  if (secret === undefined) throw refused();
  return secret;
}

/** Throws ERR_COMMAND_SECRET when its file cannot be read. */
export function readSecret(secret: SecretAt, login: string): string {
  if ('value' in secret) return secret.value;
  try {
    return readFileSync(secret.file, 'utf8').trim();
  } catch (error) {
    throw new RempartError('ERR_COMMAND_SECRET', { login }, error);
  }
}

/** Nothing that a program says of a secret it was given is kept. */
export const withoutSecret = (text: string, secret: string | undefined): string =>
  secret === undefined || secret.length < 4 ? text : text.replaceAll(secret, '[masked]');
