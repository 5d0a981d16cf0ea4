// A value checked against a JSON Schema (2020-12) that people wrote. A keyword that is not known here is refused: a rule that nobody checks must not look kept.
import type { Json, JsonObject } from '../../platform/base/json.ts';

/** Throws a TypeError for what is no schema, or holds a keyword that is not checked here. */
export function readJsonSchema(schema: Json): (value: Json) => boolean {
  const root = schema;
  inspect(root, new Set());
  return (value) => holds(root, value, root, 0);
}

type Check = (rule: Json, value: Json, schema: JsonObject, at: Place) => boolean;
/** The whole schema, for references, and how deep they led. */
interface Place {
  root: Json;
  depth: number;
}

const deepest = 200;

function holds(schema: Json, value: Json, root: Json, depth: number): boolean {
  if (typeof schema === 'boolean') return schema;
  if (depth > deepest) throw new TypeError('the schema refers to itself without end');
  const given = schema as JsonObject;
  return Object.entries(given).every(([keyword, rule]) => {
    const check = checks[keyword];
    return check === undefined || check(rule, value, given, { root, depth: depth + 1 });
  });
}

const within = (schema: Json, value: Json, { root, depth }: Place) => holds(schema, value, root, depth);
const isTable = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const same = (a: Json, b: Json): boolean => sorted(a) === sorted(b);
const list = (rule: Json): Json[] => rule as Json[];
const entries = (rule: Json): [string, Json][] => Object.entries(rule as JsonObject);

function sorted(value: Json): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isTable(inner as Json)
      ? Object.fromEntries(Object.entries(inner as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function isType(type: string, value: Json): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isTable(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

const onNumber =
  (test: (value: number, rule: number) => boolean): Check =>
  (rule, value) =>
    typeof value !== 'number' || test(value, rule as number);
const onText =
  (test: (value: string, rule: Json) => boolean): Check =>
  (rule, value) =>
    typeof value !== 'string' || test(value, rule);
const onList =
  (test: (value: Json[], rule: Json, schema: JsonObject, at: Place) => boolean): Check =>
  (rule, value, schema, at) =>
    !Array.isArray(value) || test(value, rule, schema, at);
const onTable =
  (test: (value: JsonObject, rule: Json, schema: JsonObject, at: Place) => boolean): Check =>
  (rule, value, schema, at) =>
    !isTable(value) || test(value, rule, schema, at);

/** Characters, not code units (§6.3.1). */
const lengthOf = (text: string) => [...text].length;
const matches = (pattern: string, text: string) => new RegExp(pattern, 'u').test(text);

const checks: Readonly<Record<string, Check>> = {
  type: (rule, value) => [rule].flat().some((type) => isType(String(type), value)),
  enum: (rule, value) => list(rule).some((one) => same(one, value)),
  const: (rule, value) => same(rule, value),
  minimum: onNumber((value, rule) => value >= rule),
  maximum: onNumber((value, rule) => value <= rule),
  exclusiveMinimum: onNumber((value, rule) => value > rule),
  exclusiveMaximum: onNumber((value, rule) => value < rule),
  multipleOf: onNumber((value, rule) => Math.abs(value / rule - Math.round(value / rule)) < 1e-9),
  minLength: onText((value, rule) => lengthOf(value) >= Number(rule)),
  maxLength: onText((value, rule) => lengthOf(value) <= Number(rule)),
  pattern: onText((value, rule) => matches(String(rule), value)),
  minItems: onList((value, rule) => value.length >= Number(rule)),
  maxItems: onList((value, rule) => value.length <= Number(rule)),
  uniqueItems: onList((value, rule) => rule !== true || new Set(value.map(sorted)).size === value.length),
  prefixItems: onList((value, rule, _schema, at) =>
    list(rule).every((one, index) => index >= value.length || within(one, value[index]!, at)),
  ),
  items: onList((value, rule, schema, at) =>
    value.slice(list(schema['prefixItems'] ?? []).length).every((one) => within(rule, one, at)),
  ),
  contains: onList((value, rule, schema, at) => {
    const found = value.filter((one) => within(rule, one, at)).length;
    return found >= Number(schema['minContains'] ?? 1) && found <= Number(schema['maxContains'] ?? value.length);
  }),
  required: onTable((value, rule) => list(rule).every((name) => Object.hasOwn(value, String(name)))),
  minProperties: onTable((value, rule) => Object.keys(value).length >= Number(rule)),
  maxProperties: onTable((value, rule) => Object.keys(value).length <= Number(rule)),
  properties: onTable((value, rule, _schema, at) =>
    entries(rule).every(([name, one]) => !Object.hasOwn(value, name) || within(one, value[name]!, at)),
  ),
  patternProperties: onTable((value, rule, _schema, at) =>
    entries(rule).every(([pattern, one]) =>
      entries(value).every(([name, inner]) => !matches(pattern, name) || within(one, inner, at)),
    ),
  ),
  additionalProperties: onTable((value, rule, schema, at) =>
    entries(value).every(([name, inner]) => {
      const named = Object.hasOwn((schema['properties'] ?? {}) as JsonObject, name);
      const matched = entries(schema['patternProperties'] ?? {}).some(([pattern]) => matches(pattern, name));
      return named || matched || within(rule, inner, at);
    }),
  ),
  propertyNames: onTable((value, rule, _schema, at) => Object.keys(value).every((name) => within(rule, name, at))),
  dependentRequired: onTable((value, rule) =>
    entries(rule).every(
      ([name, needs]) => !Object.hasOwn(value, name) || list(needs).every((need) => Object.hasOwn(value, String(need))),
    ),
  ),
  allOf: (rule, value, _schema, at) => list(rule).every((one) => within(one, value, at)),
  anyOf: (rule, value, _schema, at) => list(rule).some((one) => within(one, value, at)),
  oneOf: (rule, value, _schema, at) => list(rule).filter((one) => within(one, value, at)).length === 1,
  not: (rule, value, _schema, at) => !within(rule, value, at),
  if: (rule, value, schema, at) => within(schema[within(rule, value, at) ? 'then' : 'else'] ?? true, value, at),
  $ref: (rule, value, _schema, at) => within(refer(at.root, String(rule)), value, at),
};

/** Checked by the keyword that they belong to, or said to people only. */
const silent = [
  ...['then', 'else', 'minContains', 'maxContains', '$defs', 'definitions'],
  ...['$schema', '$id', '$comment', '$anchor', 'title', 'description', 'default', 'examples', 'deprecated'],
  ...['readOnly', 'writeOnly', 'format'],
];
const holdingSchemas = ['properties', 'patternProperties', '$defs', 'definitions'];
const holdingLists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const holdingOne = ['items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else'];

/** Every schema below is looked at once, so that a mistake is found when it is read and not when it happens to matter. */
function inspect(schema: Json, seen: Set<Json>): void {
  if (typeof schema === 'boolean' || seen.has(schema)) return;
  if (!isTable(schema)) throw new TypeError('a schema is true, false or a table');
  seen.add(schema);
  for (const [keyword, rule] of Object.entries(schema)) {
    if (checks[keyword] === undefined && !silent.includes(keyword)) throw new TypeError(`unknown keyword ${keyword}`);
    if (keyword === '$ref' && !String(rule).startsWith('#')) throw new TypeError('only references within the schema');
    if (keyword === 'pattern') new RegExp(String(rule), 'u');
    if (holdingSchemas.includes(keyword)) for (const [, one] of entries(rule)) inspect(one, seen);
    else if (holdingLists.includes(keyword)) for (const one of list(rule)) inspect(one, seen);
    else if (holdingOne.includes(keyword)) inspect(rule, seen);
  }
}

function refer(root: Json, reference: string): Json {
  let found: Json | undefined = root;
  for (const part of reference.slice(1).split('/').filter(Boolean)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    found = isTable(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  if (found === undefined) throw new TypeError(`nothing at ${reference}`);
  return found;
}
