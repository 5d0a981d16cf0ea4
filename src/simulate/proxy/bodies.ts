// Request bodies into values, as Go decodes them into its structs: names in any case, unknown ones ignored, null is nothing.
import { type Attributes, type ToxicType, toxicGoName } from '../faults/tcp/toxic-kinds.ts';
import { type GoValue, goKind, readGoJson } from './go-json.ts';
import { badBody } from './refusal.ts';

type Reader<T> = (value: GoValue, complain: (kind: string, type: string) => void) => T | undefined;

const asString: Reader<string> = (value, complain) =>
  value.kind === 'string' ? value.value : void complain(shortKind(value), 'string');
const asBool: Reader<boolean> = (value, complain) =>
  value.kind === 'bool' ? value.value : void complain(shortKind(value), 'bool');

/** Go names the literal of a number only when a number was wanted. */
function shortKind(value: GoValue): string {
  return value.kind;
}

const asInt64: Reader<number> = (value, complain) => {
  if (value.kind !== 'number') return void complain(shortKind(value), 'int64');
  if (!/^-?\d+$/.test(value.literal) || BigInt.asIntN(64, BigInt(value.literal)) !== BigInt(value.literal))
    return void complain(goKind(value), 'int64');
  return Number(value.literal);
};

const asFloat32: Reader<number> = (value, complain) => {
  if (value.kind !== 'number') return void complain(shortKind(value), 'float32');
  const number = shortestFloat32(Number(value.literal));
  return Number.isFinite(number) ? number : void complain(goKind(value), 'float32');
};

/** The shortest decimal that is the same number in 32 bits: 0.3 stays 0.3. */
function shortestFloat32(number: number): number {
  const rounded = Math.fround(number);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(rounded.toPrecision(digits));
    if (Math.fround(short) === rounded) return short;
  }
  return rounded;
}

/** Reads named members; the first complaint is kept, as Go does, and thrown by `finish`. */
function fieldsOf(value: GoValue, struct: string, path = '') {
  let complaint: string | undefined;
  const members = value.kind === 'object' ? value.members : [];
  const keep = (text: string) => {
    complaint ??= text;
  };
  if (value.kind !== 'object' && value.kind !== 'null')
    keep(`json: cannot unmarshal ${shortKind(value)} into Go value of type ${struct}`);
  const prefix = `${struct.replace(/^.*\./, '')}.${path}`;
  return {
    read<T>(name: string, reader: Reader<T>): T | undefined {
      let found: T | undefined;
      for (const [given, member] of members) {
        if (given.toLowerCase() !== name || member.kind === 'null') continue;
        const read = reader(member, (kind, type) =>
          keep(`json: cannot unmarshal ${kind} into Go struct field ${prefix}${name} of type ${type}`),
        );
        if (read !== undefined) found = read;
      }
      return found;
    },
    finish(): void {
      if (complaint !== undefined) throw badBody(complaint);
    },
  };
}

export interface ProxyBody {
  name: string | undefined;
  listen: string | undefined;
  upstream: string | undefined;
  enabled: boolean | undefined;
  toxics: GoValue[] | undefined;
  ttlMs: number | undefined;
}

const populateStruct = 'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }';

export function readProxyBody(text: string): ProxyBody {
  return proxyOf(readGoJson(text), 'toxiproxy.Proxy');
}

export function readPopulateBody(text: string): ProxyBody[] {
  const value = readGoJson(text);
  if (value.kind === 'null') return [];
  if (value.kind !== 'array')
    throw badBody(`json: cannot unmarshal ${shortKind(value)} into Go value of type []${populateStruct}`);
  return value.items.map((item) => proxyOf(item, populateStruct));
}

function proxyOf(value: GoValue, struct: string): ProxyBody {
  const fields = fieldsOf(value, struct === populateStruct && value.kind === 'object' ? 'toxiproxy.Proxy' : struct);
  const body = {
    name: fields.read('name', asString),
    listen: fields.read('listen', asString),
    upstream: fields.read('upstream', asString),
    enabled: fields.read('enabled', asBool),
    // Not a field of the original: what other kinds are given here is ignored there, and here.
    toxics: fields.read('toxics', (given) => (given.kind === 'array' ? given.items : undefined)),
    ttlMs: fields.read('ttlms', asInt64),
  };
  fields.finish();
  return body;
}

export interface ToxicBody {
  name: string | undefined;
  type: string;
  stream: string;
  toxicity: number;
  ttlMs: number | undefined;
  /** Read once the type is known to exist; throws a Refusal. */
  attributes(type: ToxicType, before: Attributes): Attributes;
}

export function readToxicBody(text: string): ToxicBody {
  return toxicOf(readGoJson(text));
}

export function toxicOf(value: GoValue): ToxicBody {
  const fields = fieldsOf(value, 'toxics.ToxicWrapper');
  const attributes = fields.read('attributes', (given, complain) =>
    given.kind === 'object' ? given : void complain(shortKind(given), 'toxics.NoopToxic'),
  );
  const body = {
    name: fields.read('name', asString),
    type: fields.read('type', asString) ?? '',
    stream: fields.read('stream', asString) ?? 'downstream',
    toxicity: fields.read('toxicity', asFloat32) ?? 1,
    ttlMs: fields.read('ttlms', asInt64),
  };
  fields.finish();
  return { ...body, attributes: (type, before) => attributesOf(attributes, type, before) };
}

export interface ToxicUpdate {
  toxicity: number | undefined;
  ttlMs: number | undefined;
  attributes: Attributes;
}

export function readToxicUpdate(text: string, type: ToxicType, before: Attributes): ToxicUpdate {
  const fields = fieldsOf(readGoJson(text), 'struct { Attributes interface {}; Toxicity float32 }');
  const given = fields.read('attributes', (value, complain) =>
    value.kind === 'object' ? value : void complain(shortKind(value), `toxics.${toxicGoName(type)}`),
  );
  const toxicity = fields.read('toxicity', asFloat32);
  const ttlMs = fields.read('ttlms', asInt64);
  fields.finish();
  return { toxicity, ttlMs, attributes: attributesOf(given, type, before) };
}

function attributesOf(value: GoValue | undefined, type: ToxicType, before: Attributes): Attributes {
  if (value === undefined) return before;
  const fields = fieldsOf(value, toxicGoName(type), 'attributes.');
  const merged = Object.fromEntries(
    Object.entries(before).map(([name, old]) => [name, fields.read(name, asInt64) ?? old]),
  );
  fields.finish();
  return merged;
}
