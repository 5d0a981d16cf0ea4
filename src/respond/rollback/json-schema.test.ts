import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { Json } from '../../platform/base/json.ts';
import { readJsonSchema } from './json-schema.ts';

const schemas: Json[] = [
  { type: 'object', required: ['decision'] },
  { type: 'object', properties: { a: { type: 'integer', minimum: 1 } }, additionalProperties: false },
  { type: ['array', 'null'], items: { type: 'string', minLength: 1 }, uniqueItems: true, maxItems: 3 },
  { prefixItems: [{ type: 'number' }], items: { type: 'string' } },
  { contains: { const: 1 }, maxContains: 2 },
  { anyOf: [{ type: 'number', exclusiveMaximum: 2 }, { enum: ['a', { b: 1 }] }] },
  { oneOf: [{ type: 'integer' }, { minimum: 2 }] },
  { not: { type: 'string', pattern: '^a' } },
  JSON.parse('{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"maxProperties":1}}') as Json,
  { patternProperties: { '^a': { type: 'number' } }, additionalProperties: { type: 'string' } },
  { propertyNames: { maxLength: 1 }, minProperties: 1, dependentRequired: { a: ['b'] } },
  { $defs: { tree: { type: 'object', additionalProperties: { $ref: '#/$defs/tree' } } }, $ref: '#/$defs/tree' },
  { allOf: [{ multipleOf: 0.5 }, true] },
];

const leaf = fc.oneof(
  fc.constantFrom('a', 'ab', 'é', '', 1, 2, 3, 0, -1, 0.5, 1.5, true, null),
  fc.string({ maxLength: 2 }),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'ab', 'c'), tie('any'), { maxKeys: 3 }),
  ),
})).any;

for (const schema of schemas)
  test(`readJsonSchema() agrees with a reference validator on ${JSON.stringify(schema)}`, () => {
    const mine = readJsonSchema(schema);
    const theirs = new Ajv2020({ strict: false }).compile(schema as object);
    fc.assert(
      fc.property(value, (given) => {
        const plain = JSON.parse(JSON.stringify(given)) as Json;
        assert.equal(mine(plain), theirs(plain));
      }),
      { numRuns: 300 },
    );
  });

for (const wrong of [
  { unevaluatedProperties: false },
  { type: 'object', propertis: {} },
  { properties: { a: 3 } },
  { $ref: 'https://example.org/schema' },
  { pattern: '(' },
  [],
] as Json[])
  test(`readJsonSchema() refuses ${JSON.stringify(wrong)}`, () => {
    assert.throws(() => readJsonSchema(wrong));
  });

test('readJsonSchema() finds a reference that leads nowhere, or round in a circle', () => {
  assert.throws(() => readJsonSchema({ $ref: '#/$defs/x' })(1), TypeError);
  assert.throws(() => readJsonSchema({ $ref: '#' })(1), TypeError);
});
