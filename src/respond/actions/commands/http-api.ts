// command.http-api: one HTTP request of a playbook, only to addresses that the configuration allows, without redirects.
import { type Dispatcher, request } from 'undici';
import { RempartError } from '../../../platform/base/errors.ts';
import { printable } from '../../../platform/containers/engine-transport.ts';
import type { Action } from '../../engine/action.ts';
import { scrub } from '../scrub.ts';
import {
  addressesOf,
  type CommandGiven,
  type CommandParts,
  commandSchema,
  endedWith,
  probeOf,
  readSecret,
  secretOf,
  withoutSecret,
} from './command-parts.ts';

const maxAnswerBytes = 1024 * 1024;
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
type Method = (typeof methods)[number];
/** Asking changes nothing, so that it may be asked again. */
const harmless: readonly Method[] = ['GET', 'HEAD', 'OPTIONS'];

interface Asked {
  method: Method;
  url: URL;
  headers: Record<string, string>;
}

export function httpAction(parts: CommandParts): Action<CommandGiven> {
  return {
    name: 'command.http-api',
    class: 'contain',
    args: commandSchema as Action<CommandGiven>['args'],
    async plan(args) {
      const { method, url } = askedOf(args, parts.urls);
      secretOf(args.login, parts.secrets);
      const effect = { target: url.host, change: method.toLowerCase(), to: `${url.pathname}` };
      return { effects: [effect], reversible: harmless.includes(method), before: {} };
    },
    async probe(args, context) {
      const found = probeOf(parts.evidence, context);
      const { method } = askedOf(args, parts.urls);
      return found.state === 'unknown' && harmless.includes(method) ? { state: 'not-done' } : found;
    },
    async act(args, context) {
      const { method, url, headers } = askedOf(args, parts.urls);
      const secret = secretOf(args.login, parts.secrets);
      const read = secret === undefined ? undefined : readSecret(secret, String(args.login?.type ?? '?'));
      parts.evidence.begin(context);
      const { status, body, dropped } = await ask(url, {
        method,
        headers: { ...headers, ...authorization(args.login, read) },
        ...(args.content === undefined ? {} : { body: args.content }),
        signal: AbortSignal.any([context.signal, AbortSignal.timeout(parts.timeoutMs)]),
      }).catch((error: unknown) => {
        context.signal.throwIfAborted();
        throw error instanceof RempartError
          ? error
          : new RempartError('ERR_COMMAND_UNREACHABLE', { host: url.host }, error);
      });
      const text = withoutSecret(body, read);
      const answer = parts.evidence.keep(context, 'answer', 'txt', `${status}\n\n${scrub(text, maxAnswerBytes)}\n`);
      if (status < 200 || status > 299) throw new RempartError('ERR_COMMAND_HTTP', { host: url.host, status });
      return endedWith(parts, context, { status, answer, ...(dropped === 0 ? {} : { dropped }) }, text);
    },
  };
}

/** Throws ERR_COMMAND_REQUEST and ERR_COMMAND_URL. */
function askedOf({ command, headers = {}, targets }: CommandGiven, urls: readonly string[]): Asked {
  const [, method, path = ''] = /^([A-Z]+) ([^\s\p{C}]+) HTTP\/\d(?:\.\d)?$/u.exec(command) ?? [];
  const known = methods.find((one) => one === method);
  if (known === undefined) throw refusedRequest(command);
  const base = baseOf(targets);
  const url = URL.parse(path, base);
  // A path that begins with two slashes is another host's address.
  if (url === null || (base !== undefined && !/^https?:/i.test(path) && url.origin !== new URL(base).origin))
    throw refusedRequest(command);
  if (!isAllowed(url, urls))
    throw new RempartError('ERR_COMMAND_URL', { url: printable(`${url.origin}${url.pathname}`) });
  return { method: known, url, headers: headersOf(headers) };
}

/** The target's own address; a name or a number is called over TLS. */
function baseOf(targets: CommandGiven['targets']): string | undefined {
  const [target] = targets;
  if (target === undefined) return undefined;
  const [address] = addressesOf(target);
  if (address === undefined) return undefined;
  if (/^https?:\/\//i.test(address)) return address;
  const host = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  const port = target.port === undefined ? '' : `:${target.port}`;
  return URL.parse(`https://${host}${port}/`)?.href;
}

/** Whole parts of the path: `https://api.example.com/v1` does not allow `…/v10`, nor `https://api.example.com.evil/`. */
function isAllowed(url: URL, urls: readonly string[]): boolean {
  if (url.username !== '' || url.password !== '') return false;
  // What an address leads to once it is decoded is the server's to say: such paths are none of the allowed.
  if (/%2f|%5c|%2e%2e|\\/i.test(url.pathname)) return false;
  return urls.some((allowed) => {
    const root = URL.parse(allowed);
    if (root === null || root.origin !== url.origin) return false;
    const folder = root.pathname.endsWith('/') ? root.pathname : `${root.pathname}/`;
    return url.pathname === root.pathname || url.pathname.startsWith(folder);
  });
}

function headersOf(given: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, values]) => {
      const value = values.join(', ');
      // RFC 9110, section 5: a line break would begin another header.
      if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value) || /^host$/i.test(name))
        throw refusedRequest(`${name}: …`);
      return [name.toLowerCase(), value];
    }),
  );
}

const refusedRequest = (what: string) => new RempartError('ERR_COMMAND_REQUEST', { what: printable(what) });

/** CACAO, sections 6.1 to 6.3: the login says how its secret is shown. */
function authorization(login: CommandGiven['login'], secret: string | undefined): Record<string, string> {
  if (secret === undefined) return {};
  if (/[^\t\x20-\x7e]/.test(secret))
    throw new RempartError('ERR_COMMAND_SECRET', { login: String(login?.type ?? '?') });
  if (login?.type === 'http-basic' || login?.type === 'user-auth') {
    const user = String(login['user_id'] ?? login['username'] ?? '');
    return { authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` };
  }
  return { authorization: /^\S+ /.test(secret) ? secret : `Bearer ${secret}` };
}

async function ask(
  url: URL,
  options: Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'body' | 'signal'>,
): Promise<{ status: number; body: string; dropped: number }> {
  const { statusCode, body } = await request(url, options);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    chunks.push(chunk);
    if (size > maxAnswerBytes) break;
  }
  const whole = Buffer.concat(chunks);
  const kept = whole.subarray(0, maxAnswerBytes);
  return { status: statusCode, body: kept.toString('utf8'), dropped: whole.length - kept.length };
}
