// `rempart token issue|revoke|list`: access tokens signed with a key of the configuration, and those that no longer count.
import { loadConfig } from '../config.ts';
import { RempartError } from '../platform/base/errors.ts';
import { isSubject } from '../platform/base/subject.ts';
import { isScope } from '../protect/gateway/scopes.ts';
import { signToken } from '../protect/gateway/tokens/sign-token.ts';
import type { TokenIssuer } from '../protect/gateway/tokens/token-settings.ts';
import { askAccess } from './ask-access.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { durationOption } from './duration.ts';

const actions = ['issue', 'revoke', 'list'] as const;

export const token: Command = {
  name: 'token',
  summary: 'token.summary',
  positionals: { name: `${actions.join('|')} [JTI]`, many: true },
  options: {
    subject: { type: 'string', value: 'NAME', summary: 'token.flag.subject' },
    role: { type: 'string', value: 'VALUE', summary: 'token.flag.role' },
    for: { type: 'string', value: 'TIME', summary: 'token.flag.for' },
    models: { type: 'string', value: 'LIST', summary: 'keys.flag.models' },
    routes: { type: 'string', value: 'LIST', summary: 'keys.flag.routes' },
    issuer: { type: 'string', value: 'ISSUER', summary: 'token.flag.issuer' },
  },
  actions: {
    issue: {
      usage: 'issue --subject NAME [--role VALUE] [--for TIME] [--models LIST] [--routes LIST] [--issuer ISSUER]',
      summary: 'token.issue.summary',
      options: ['subject', 'role', 'for', 'models', 'routes', 'issuer'],
    },
    revoke: { usage: 'revoke JTI | revoke --subject NAME', summary: 'token.revoke.summary', options: ['subject'] },
    list: { usage: 'list', summary: 'token.list.summary', options: [] },
  },
  more: 'token.more',
  async run(input) {
    const [name = '', jti, ...more] = input.args;
    const action = actions.find((known) => known === name);
    const extra = action === 'revoke' ? more[0] : jti;
    if (extra !== undefined) throw usageError(input, 'token', 'cli.usage.argument.unexpected', { argument: extra });
    switch (action) {
      case 'issue':
        return issue(input);
      case 'revoke':
        return revoke(input, jti);
      case 'list':
        return list(input);
      case undefined:
        throw usageError(input, 'token', 'cli.usage.choice', { given: name, known: actions.join(', ') });
    }
  },
};

const hourMs = 3_600_000;

async function issue(input: CommandInput): Promise<number> {
  const { say, stdout, json } = input;
  const { subject, role } = input.options;
  if (typeof subject !== 'string')
    throw usageError(input, 'token', 'cli.usage.argument.missing', { command: 'token issue', argument: '--subject' });
  if (!isSubject(subject)) throw usageError(input, 'token', 'cli.usage.subject');
  const { access } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const issuer = signingIssuer(input, access.tokens);
  const lastsMs = durationOption(input, 'token', 'for', 1_000) ?? Math.min(hourMs, issuer.maxLifetimeHours * hourMs);
  if (lastsMs > issuer.maxLifetimeHours * hourMs)
    throw usageError(input, 'token', 'token.usage.for', { hours: issuer.maxLifetimeHours });
  if (typeof role === 'string') checkRole(input, issuer, role);
  const [models, routes] = [scopeOption(input, 'models'), scopeOption(input, 'routes')];
  const issuedAt = Math.floor(Date.now() / 1_000);
  const expiresAt = issuedAt + Math.floor(lastsMs / 1_000);
  const made = await signToken(issuer, {
    subject,
    ...(typeof role === 'string' ? { role } : {}),
    scopes: { ...(models === undefined ? {} : { models }), ...(routes === undefined ? {} : { routes }) },
    issuedAt,
    expiresAt,
  });
  const until = new Date(expiresAt * 1_000);
  // Before it is shown: a token that is not journalled is not given.
  await askAccess(input, 'tokens.issued', { jti: made.jti, subject, expiresAt: until.toISOString() });
  if (json)
    stdout.write(
      `${JSON.stringify({ schema: 'rempart/token@1', ...made, subject, expiresAt: until.toISOString() })}\n`,
    );
  else {
    const shown = new Intl.DateTimeFormat(input.lang, { dateStyle: 'medium', timeStyle: 'short' }).format(until);
    stdout.write(`${say('token.issued', { subject, until: shown, jti: made.jti })}\n  ${made.token}\n`);
  }
  return 0;
}

/** The one that was named, or the first that can sign. Throws ERR_TOKEN_SIGNING. */
function signingIssuer(input: CommandInput, issuers: readonly TokenIssuer[]): TokenIssuer {
  const { issuer: wanted } = input.options;
  const able = issuers.filter(({ signing }) => signing !== undefined);
  const found = wanted === undefined ? able[0] : able.find(({ issuer }) => issuer === wanted);
  if (found !== undefined) return found;
  if (able.length === 0) throw new RempartError('ERR_TOKEN_SIGNING');
  const known = able.map(({ issuer }) => issuer).join(', ');
  throw usageError(input, 'token', 'cli.usage.choice', { given: String(wanted), known });
}

/** A role that the gateway would not read from the token must not be promised. */
function checkRole(input: CommandInput, { roleClaim, roles }: TokenIssuer, role: string): void {
  if (roleClaim === undefined) {
    if (role !== 'user') throw usageError(input, 'token', 'token.usage.role-claim');
    return;
  }
  const known = [...new Set(['user', 'viewer', ...Object.keys(roles)])];
  if (!known.includes(role))
    throw usageError(input, 'token', 'cli.usage.choice', { given: role, known: known.join(', ') });
}

function scopeOption(input: CommandInput, option: 'models' | 'routes'): string[] | undefined {
  const given = input.options[option];
  if (given === undefined) return undefined;
  const patterns = String(given)
    .split(',')
    .map((pattern) => pattern.trim());
  if (patterns.every(isScope)) return patterns;
  throw usageError(input, 'token', 'access.usage.scope', { flag: `--${option}`, given: String(given) });
}

async function revoke(input: CommandInput, jti: string | undefined): Promise<number> {
  const { subject } = input.options;
  if ((jti === undefined) === (subject === undefined)) throw usageError(input, 'token', 'token.usage.revoke');
  const [kind, value] = jti === undefined ? (['subject', String(subject)] as const) : (['jti', jti] as const);
  const done = (await askAccess(input, 'tokens.revoke', { kind, value })) as { at: string };
  if (input.json)
    input.stdout.write(`${JSON.stringify({ schema: 'rempart/token-revocation@1', kind, value, ...done })}\n`);
  else input.stdout.write(`${input.say(`token.revoked.${kind}`, { value })}\n`);
  return 0;
}

async function list(input: CommandInput): Promise<number> {
  const { say, stdout } = input;
  const found = (await askAccess(input, 'tokens.revoked', {})) as {
    kind: 'jti' | 'subject';
    value: string;
    at: string;
  }[];
  if (input.json) stdout.write(`${JSON.stringify({ schema: 'rempart/token-revocations@1', revocations: found })}\n`);
  else if (found.length === 0) stdout.write(`${say('token.none')}\n`);
  else for (const { kind, value, at } of found) stdout.write(`${at}  ${say(`token.kind.${kind}`)}  ${value}\n`);
  return 0;
}
