// Secrets written in compose files and Dockerfiles: found by name, by place in a command, inside an address. Never quoted.
import { itemsOf, type ServiceCheck } from './compose-checks.ts';
import type { Service } from './compose-project.ts';
import { type Dockerfile, readPairs } from './dockerfile.ts';
import type { Hit } from './hit.ts';
import { interpolate, isOpen } from './interpolate.ts';
import { type Entry, entryAt, type Located, textOf } from './located.ts';
import { hasUrlPassword, isSecretName } from './secret-name.ts';

interface Variable {
  entry: Entry;
  setting: string;
  name: string;
  /** undefined: passed through from outside. */
  value: string | undefined;
  at: Located['at'];
}

function variablesOf(service: Service): Variable[] {
  return ['environment', 'build.args'].flatMap((setting) => {
    const entry = entryAt(service.body, setting);
    return itemsOf(entry?.value).flatMap((item): Variable[] => {
      const text = textOf(item);
      if (entry === undefined || text === undefined) return [];
      const cut = text.indexOf('=');
      const name = cut === -1 ? text : text.slice(0, cut);
      return [{ entry, setting, name, value: cut === -1 ? undefined : text.slice(cut + 1), at: item.at }];
    });
  });
}

function hit(service: Service, { entry, setting, name, at }: Variable): Hit {
  return { at, service: service.name, setting: `${setting}.${name}`, value: name, body: service.body, entry };
}

/** A literal, as far as the file says: a variable without a default is none. */
function isLiteral(value: string | undefined): value is string {
  return value !== undefined && !isOpen(interpolate(value)) && !/^\/run\/secrets\//.test(value);
}

const secretEnvironment: ServiceCheck = (service) =>
  variablesOf(service)
    .filter(({ name, value }) => isSecretName(name) && isLiteral(value))
    .map((variable) => hit(service, variable));

const secretUrl: ServiceCheck = (service) => [
  ...variablesOf(service)
    .filter(({ name, value }) => value !== undefined && !isSecretName(name) && hasUrlPassword(interpolate(value)))
    .map((variable) => hit(service, variable)),
  ...commandsOf(service).flatMap(({ entry, setting, text }) =>
    hasUrlPassword(interpolate(text))
      ? [{ at: entry.value.at, service: service.name, setting, value: setting, body: service.body, entry }]
      : [],
  ),
];

function commandsOf(service: Service): { entry: Entry; setting: string; text: string }[] {
  return ['command', 'entrypoint', 'healthcheck.test'].flatMap((setting) => {
    const entry = entryAt(service.body, setting);
    if (entry === undefined) return [];
    return [
      {
        entry,
        setting,
        text: itemsOf(entry.value)
          .map((item) => textOf(item) ?? '')
          .join(' '),
      },
    ];
  });
}

const flag = /(?:^|\s)(--?[A-Za-z][\w-]*)(?:=|\s+)("[^"]*"|'[^']*'|[^\s-]\S*)/g;

/** `NAME=value` before a command, as a shell takes it. */
const assignment = /(?:^|[\s"';&|(])([A-Za-z_]\w*)=("[^"$]*"|'[^'$]*'|[^\s"'$;&|)]+)/g;
/** Headers that carry a key. */
const header =
  /\b((?:proxy-)?authorization|x-(?:api|auth)-(?:key|token)|api-key)\s*:\s*(?:(?:bearer|basic|token)\s+)?(?!(?:bearer|basic|token)\b)([^\s"'$]{4,})/gi;

/** What on a command line is a secret by its name: flags, assignments, headers. Names only. */
/** `--disabled-password`, `--no-password`: told to do without one. */
const doesWithout = /^(?:disabled?|no|without|ask|prompt|empty|skip|lock)[-_]/i;

function secretsIn(command: string): string[] {
  const found: string[] = [];
  for (const [, name = '', value = ''] of command.matchAll(flag)) {
    const bare = name.replace(/^-+/, '');
    const secret = /^(requirepass|masterauth|pass)$/i.test(bare) || (isSecretName(bare) && !doesWithout.test(bare));
    if (secret && !value.includes('$') && !value.startsWith('/run/secrets/')) found.push(name);
  }
  for (const [, name = '', value = ''] of command.matchAll(assignment))
    if (isSecretName(name) && !/^["']?\/run\/secrets\//.test(value)) found.push(name);
  for (const [, name = ''] of command.matchAll(header)) found.push(name);
  return found;
}

const secretCommand: ServiceCheck = (service) =>
  commandsOf(service).flatMap(({ entry, setting, text }) =>
    secretsIn(interpolate(text)).map((value) => ({
      at: entry.value.at,
      service: service.name,
      setting,
      value,
      body: service.body,
      entry,
    })),
  );

const secretLabel: ServiceCheck = (service) => {
  const entry = entryAt(service.body, 'labels');
  return itemsOf(entry?.value).flatMap((item) => {
    const [name = '', ...rest] = (textOf(item) ?? '').split('=');
    const value = rest.length === 0 ? undefined : rest.join('=');
    // Of a dotted name the last part says what it holds.
    const last = name.split(/[./]/).at(-1) ?? '';
    if (entry === undefined || value === undefined || value === '' || !isLiteral(value)) return [];
    if (!isSecretName(last) && !hasUrlPassword(interpolate(value))) return [];
    return [{ at: item.at, service: service.name, setting: `labels.${name}`, value: name, body: service.body, entry }];
  });
};

export const secretChecks: Readonly<Record<string, ServiceCheck>> = {
  'secret-environment': secretEnvironment,
  'secret-url': secretUrl,
  'secret-command': secretCommand,
  'secret-label': secretLabel,
};

/** ENV, ARG and RUN of a Dockerfile that hold a secret's value. */
export function secretInstructions({ instructions }: Dockerfile, file: string): Hit[] {
  return instructions.flatMap(({ name, text, line }) => {
    if (name === 'RUN') {
      const at = { file, line, start: 0, end: 0, column: 0 };
      return secretsIn(text).map((value) => ({ at, service: null, setting: name, value }));
    }
    if (name !== 'ENV' && name !== 'ARG') return [];
    return readPairs(text, name).flatMap(({ key, value }): Hit[] => {
      if (value === undefined || value.includes('$')) return [];
      if (!isSecretName(key) && !hasUrlPassword(value)) return [];
      return [
        { at: { file, line, start: 0, end: 0, column: 0 }, service: null, setting: `${name} ${key}`, value: key },
      ];
    });
  });
}
