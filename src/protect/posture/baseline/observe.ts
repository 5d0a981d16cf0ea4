// The ordinary state as a flat list of facts: each with a text that may be shown and a digest that may be compared.
import { createHash, createHmac } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { canonicalJson, type Json } from '../../../platform/base/json.ts';
import { readOrCreateSecret } from '../../../platform/base/secret-file.ts';
import type { DriftArea } from '../../../platform/documents/drift.ts';
import { findSecrets } from '../../../platform/inspection/secrets.ts';
import { listFiles, readList } from '../models/trusted-list.ts';

export interface BaselineInputs {
  /** The data directory: its list of trusted models is part of the state, and the key that hides secrets lies in it. */
  data: string;
  /** The configuration file; one that is not there is a state too. */
  configFile: string;
  /** Compose files, Dockerfiles and others whose bytes count; like the two below, undefined where nobody looked. */
  files?: readonly string[] | undefined;
  findings?:
    | readonly { rule: string; severity: string; file: string | null; service: string | null; setting: string }[]
    | undefined;
  ports?: readonly { protocol: string; address: string; port: number; process?: string | null }[] | undefined;
}

export interface Fact {
  area: DriftArea;
  key: string;
  /** Fit to be shown: a secret is masked. */
  shown: string;
  /** HMAC of the value: says whether it changed, and nothing of what it was. */
  digest: string;
  /** When the file that holds it was last written, in milliseconds since the epoch. */
  changedAt?: number | undefined;
}

export interface Observed {
  facts: Fact[];
  /** Which areas were looked at: what nobody looked at has not changed. */
  areas: DriftArea[];
}

const mask = '••••';

export function observe(inputs: BaselineInputs): Observed {
  const key = readOrCreateSecret(`${inputs.data}/baseline.key`, 32);
  const fact = (area: DriftArea, name: string, value: Json, shown: string, changedAt?: number): Fact => {
    const digest = createHmac('sha256', key)
      .update(canonicalJson([area, name, value]))
      .digest('hex');
    return { area, key: name, shown, digest, ...(changedAt === undefined ? {} : { changedAt }) };
  };
  const facts: Fact[] = [];
  for (const { name, value, changedAt } of configFacts(inputs.configFile))
    facts.push(fact('config', name, value, shownValue(name, value), changedAt));
  for (const file of new Set(inputs.files ?? [])) {
    const read = readBytes(file);
    if (read !== undefined) facts.push(fact('file', file, read.sha256, read.sha256.slice(0, 12), read.changedAt));
  }
  for (const [name, list] of Map.groupBy(inputs.findings ?? [], findingName)) {
    const { severity } = list[0]!;
    facts.push(
      fact('finding', name, [severity, list.length], list.length === 1 ? severity : `${severity} × ${list.length}`),
    );
  }
  for (const { protocol, address, port, process } of inputs.ports ?? [])
    facts.push(fact('port', `${protocol} ${address}:${port}`, process ?? '', process ?? 'listening'));
  facts.push(...modelFacts(inputs.data, fact));
  const looked = (area: DriftArea, there: unknown): DriftArea[] => (there === undefined ? [] : [area]);
  const areas: DriftArea[] = [
    'config',
    ...looked('file', inputs.files),
    ...looked('finding', inputs.findings),
    'models',
    ...looked('port', inputs.ports),
  ];
  return { facts: facts.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)), areas };
}

export function nameOf({ area, key }: Pick<Fact, 'area' | 'key'>): string {
  return `${area} ${key}`;
}

function findingName({ rule, file, service, setting }: NonNullable<BaselineInputs['findings']>[number]): string {
  return [rule, file, service, setting].filter((part) => part !== null && part !== '').join(' ');
}

/** Each setting by its path; the file's bytes only where they cannot be read as settings. */
function configFacts(file: string): { name: string; value: Json; changedAt: number }[] {
  const read = readBytes(file);
  if (read === undefined) return [];
  const { changedAt } = read;
  try {
    const root = parse(read.text, { maxAliasCount: 20 }) as Json;
    return leaves(root, '').map(({ name, value }) => ({ name, value, changedAt }));
  } catch {
    return [{ name: '(unreadable)', value: read.sha256, changedAt }];
  }
}

function leaves(value: Json, path: string): { name: string; value: Json }[] {
  if (Array.isArray(value) && value.length > 0)
    return value.flatMap((entry, index) => leaves(entry, `${path}.${index}`));
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, entry]) => leaves(entry, path === '' ? key : `${path}.${key}`));
  return path === '' ? [] : [{ name: path, value }];
}

const secretName = /(key|secret|token|passw(or)?d|credential|webhook|dsn|database_url|bearer|cookie)s?$/i;

/** A reference to where a secret lies is no secret; a literal under a secret's name is, and so is what looks like one. */
function shownValue(name: string, value: Json): string {
  const text = typeof value === 'string' ? value : canonicalJson(value);
  if (/^(env|file):/.test(text)) return text;
  const last = name.split('.').findLast((part) => !/^\d+$/.test(part)) ?? '';
  const url = URL.parse(text);
  if (secretName.test(last) || (url !== null && (url.password !== '' || url.username !== ''))) return mask;
  if (findSecrets(text).length > 0) return mask;
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function modelFacts(
  data: string,
  fact: (area: DriftArea, name: string, value: Json, shown: string, changedAt?: number) => Fact,
): Fact[] {
  const files = listFiles(data);
  const read = readList(files);
  if (read.kind === 'missing') return [];
  const changedAt = readBytes(files.list)?.changedAt;
  if (read.kind === 'bad') return [fact('models', 'trusted list', read.why, read.why, changedAt)];
  return read.list.models.map(({ shown, manifest }) =>
    fact('models', shown, manifest, manifest.slice(0, 12), changedAt),
  );
}

function readBytes(file: string): { text: string; sha256: string; changedAt: number } | undefined {
  try {
    const bytes = readFileSync(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { text: bytes.toString('utf8'), sha256, changedAt: Math.floor(statSync(file).mtimeMs) };
  } catch {
    return undefined;
  }
}
