// `rempart keys create|list|rotate|revoke`: through the running instance when there is one, else directly on the data directory.
import { isSubject } from '../platform/base/subject.ts';
import { isScope } from '../protect/gateway/scopes.ts';
import { roles } from '../protect/key-commands.ts';
import { askAccess } from './ask-access.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { durationOption } from './duration.ts';

const actions = ['create', 'list', 'rotate', 'revoke'] as const;

export const keys: Command = {
  name: 'keys',
  summary: 'keys.summary',
  positionals: { name: `${actions.join('|')} [ID]`, many: true },
  options: {
    subject: { type: 'string', value: 'NAME', summary: 'keys.flag.subject' },
    role: { type: 'string', value: 'ROLE', summary: 'keys.flag.role' },
    for: { type: 'string', value: 'TIME', summary: 'keys.flag.for' },
    models: { type: 'string', value: 'LIST', summary: 'keys.flag.models' },
    routes: { type: 'string', value: 'LIST', summary: 'keys.flag.routes' },
    overlap: { type: 'string', value: 'TIME', summary: 'keys.flag.overlap' },
  },
  actions: {
    create: {
      usage: 'create --subject NAME [--role ROLE] [--for TIME] [--models LIST] [--routes LIST]',
      summary: 'keys.create.summary',
      options: ['subject', 'role', 'for', 'models', 'routes'],
    },
    list: { usage: 'list', summary: 'keys.list.summary', options: [] },
    rotate: { usage: 'rotate ID [--overlap TIME]', summary: 'keys.rotate.summary', options: ['overlap'] },
    revoke: { usage: 'revoke ID', summary: 'keys.revoke.summary', options: [] },
  },
  more: 'keys.more',
  async run(input) {
    const [name = '', id, ...more] = input.args;
    const action = actions.find((known) => known === name);
    const extra = action === 'revoke' || action === 'rotate' ? more[0] : id;
    if (extra !== undefined) throw usageError(input, 'keys', 'cli.usage.argument.unexpected', { argument: extra });
    switch (action) {
      case 'create':
        return create(input);
      case 'list':
        return list(input);
      case 'rotate':
        return rotate(input, id);
      case 'revoke':
        return revoke(input, id);
      case undefined:
        throw usageError(input, 'keys', 'cli.usage.choice', { given: name, known: actions.join(', ') });
    }
  },
};

async function create(input: CommandInput): Promise<number> {
  const { subject, role = 'user' } = input.options;
  if (typeof subject !== 'string')
    throw usageError(input, 'keys', 'cli.usage.argument.missing', { command: 'keys create', argument: '--subject' });
  if (!isSubject(subject)) throw usageError(input, 'keys', 'cli.usage.subject');
  if (!roles.some((known) => known === role))
    throw usageError(input, 'keys', 'cli.usage.choice', { given: String(role), known: roles.join(', ') });
  const forMs = durationOption(input, 'keys', 'for', 1_000);
  const models = scopeOption(input, 'models');
  const routes = scopeOption(input, 'routes');
  const made = (await askAccess(input, 'keys.create', {
    subject,
    role,
    ...(forMs === undefined ? {} : { forMs }),
    ...(models === undefined ? {} : { models }),
    ...(routes === undefined ? {} : { routes }),
  })) as { key: string };
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/key@1', ...made })}\n`);
  else input.stdout.write(`${input.say('keys.created', { subject, role: String(role) })}\n  ${made.key}\n`);
  return 0;
}

function scopeOption(input: CommandInput, option: 'models' | 'routes'): string[] | undefined {
  const given = input.options[option];
  if (given === undefined) return undefined;
  const patterns = String(given)
    .split(',')
    .map((pattern) => pattern.trim());
  if (patterns.every(isScope)) return patterns;
  throw usageError(input, 'keys', 'access.usage.scope', { flag: `--${option}`, given: String(given) });
}

interface ShownKey {
  id: string;
  subject: string;
  role: string;
  state: 'active';
  expiresAt?: string;
  models?: string[];
  routes?: string[];
}

async function list(input: CommandInput): Promise<number> {
  const { say, stdout } = input;
  const found = (await askAccess(input, 'keys.list', {})) as unknown as ShownKey[];
  if (input.json) stdout.write(`${JSON.stringify({ schema: 'rempart/keys@1', keys: found })}\n`);
  else if (found.length === 0) stdout.write(`${say('keys.none')}\n`);
  else {
    const width = Math.max(...found.map(({ subject }) => subject.length));
    for (const { id, subject, role, state, expiresAt, models, routes } of found) {
      const more = [
        ...(expiresAt === undefined || state !== 'active'
          ? []
          : [say('keys.until', { until: when(expiresAt, input) })]),
        ...(models === undefined ? [] : [say('keys.models', { models: models.join(', ') })]),
        ...(routes === undefined ? [] : [say('keys.routes', { routes: routes.join(', ') })]),
      ];
      const line = `${id}  ${subject.padEnd(width)}  ${role.padEnd(8)}  ${say(`keys.state.${state}`)}`;
      stdout.write(`${[line, ...more].join('  ')}\n`);
    }
  }
  return 0;
}

/** In the reader's language and time zone. */
function when(instant: string, { lang }: CommandInput): string {
  return new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(instant));
}

async function rotate(input: CommandInput, id: string | undefined): Promise<number> {
  if (id === undefined)
    throw usageError(input, 'keys', 'cli.usage.argument.missing', { command: 'keys rotate', argument: 'ID' });
  const overlapMs = durationOption(input, 'keys', 'overlap', 0);
  const made = (await askAccess(input, 'keys.rotate', { id, ...(overlapMs === undefined ? {} : { overlapMs }) })) as {
    key: string;
    subject: string;
    old: { until: string };
  };
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/key@1', ...made })}\n`);
  else {
    const key = overlapMs === 0 ? 'keys.rotated.now' : 'keys.rotated';
    const facts = { subject: made.subject, id, until: when(made.old.until, input) };
    input.stdout.write(`${input.say(key, facts)}\n  ${made.key}\n`);
  }
  return 0;
}

async function revoke(input: CommandInput, id: string | undefined): Promise<number> {
  if (id === undefined)
    throw usageError(input, 'keys', 'cli.usage.argument.missing', { command: 'keys revoke', argument: 'ID' });
  await askAccess(input, 'keys.revoke', { id });
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/key-revocation@1', id })}\n`);
  else input.stdout.write(`${input.say('keys.revoked', { id })}\n`);
  return 0;
}
