// The strict parser agrees with JSON.parse on all it accepts, and accepts nothing that two readers could read differently.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import { assertGrowth } from '../../platform/base/test-time.ts';
import { openaiFields } from './dialects/completions-request.ts';
import { object } from './shape.ts';
import { parseStrictJson } from './strict-json.ts';

const depth = 64;
const code = (expected: string) => (error: unknown) => error instanceof RempartError && error.code === expected;

/** Each UTF-16 unit as an escape: another spelling of the same string. */
function escapeAll(text: string): string {
  return `"${text.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
}

/** JSON text with white space, and escapes where asked, in the places that the grammar allows. */
function spell(value: unknown, space: string, escaped: boolean): string {
  const string = escaped ? escapeAll : JSON.stringify;
  const join = (parts: string[]) => parts.join(`${space},${space}`);
  if (Array.isArray(value)) return `[${space}${join(value.map((entry) => spell(entry, space, escaped)))}${space}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([key, entry]) => `${string(key)}${space}:${space}${spell(entry, space, escaped)}`,
    );
    return `{${space}${join(entries)}${space}}`;
  }
  return typeof value === 'string' ? string(value) : JSON.stringify(value);
}

test('parseStrictJson() reads what JSON.parse reads, however it is spelt', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' }),
      fc.constantFrom('', ' ', '\n\t '),
      fc.boolean(),
      (value, space, escaped) => {
        const text = spell(value, space, escaped);
        assert.deepEqual(parseStrictJson(Buffer.from(text), depth), JSON.parse(text));
      },
    ),
    { numRuns: 500 },
  );
});

test('parseStrictJson() refuses a duplicate key at any place, however either is spelt', () => {
  const key = fc.string({ unit: 'grapheme', maxLength: 8 });
  fc.assert(
    fc.property(key, fc.jsonValue(), fc.jsonValue(), fc.nat(5), fc.boolean(), (name, first, second, wraps, escaped) => {
      const spelt = escaped ? escapeAll(name) : JSON.stringify(name);
      let text = `{${JSON.stringify(name)}:${JSON.stringify(first)},"other\\"{":[],${spelt}:${JSON.stringify(second)}}`;
      for (let i = 0; i < wraps; i++) text = i % 2 === 0 ? `[1,${text},"}"]` : `{"w":${text}}`;
      assert.throws(() => parseStrictJson(Buffer.from(text), depth), code('ERR_BODY_DUPLICATE_KEY'));
    }),
    { numRuns: 500 },
  );
});

test('parseStrictJson() takes equal keys in different objects', () => {
  const text = '{"a":{"a":1},"b":[{"a":2},{"a":3}]}';
  assert.deepEqual(parseStrictJson(Buffer.from(text), depth), JSON.parse(text));
});

test('parseStrictJson() throws coded errors only, on any bytes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ maxLength: 40 })), (input) => {
      try {
        parseStrictJson(Buffer.from(input as string), depth);
      } catch (error) {
        assert.ok(error instanceof RempartError, String(error));
      }
    }),
    { numRuns: 1_000 },
  );
});

test('parseStrictJson() counts depth exactly and survives a bomb', () => {
  const nested = (levels: number) => Buffer.from('['.repeat(levels) + ']'.repeat(levels));
  parseStrictJson(nested(8), 8);
  assert.throws(() => parseStrictJson(nested(9), 8), code('ERR_BODY_DEPTH'));
  assert.throws(() => parseStrictJson(nested(500_000), 8), code('ERR_BODY_DEPTH'));
});

test('parseStrictJson() takes time in proportion to the text, whatever it holds', () => {
  // A run of backslashes is where a naive end-of-string search goes quadratic.
  const work = (length: number) => {
    const bytes = Buffer.from(`["${'\\\\'.repeat(length)}","${'\\"'.repeat(length)}"]`);
    return () => parseStrictJson(bytes, depth);
  };
  assertGrowth({ what: 'backslashes', work, lengths: [25_000, 250_000], mostMs: 500 });
});

test('object() rebuilds a request from known fields only, and refuses every other case of them', () => {
  const request = object(openaiFields, ['model', 'messages']);
  const valid = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
  const known = new Set(Object.keys(openaiFields));
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string().filter((k) => !known.has(k)),
        fc.jsonValue(),
      ),
      (strange) => {
        const folds = Object.keys(strange).some((k) => known.has(k.toUpperCase().toLowerCase()));
        if (folds) return;
        assert.deepEqual(request({ ...strange, ...valid } as JsonObject, '', 'drop'), valid);
      },
    ),
  );
  fc.assert(
    fc.property(fc.constantFrom(...known), fc.nat(), (name, seed) => {
      const changed = [...name].map((c, i) => ((seed >> (i % 30)) & 1 ? c.toUpperCase() : c)).join('');
      if (changed === name) return;
      for (const unknown of ['drop', 'refuse'] as const)
        assert.throws(() => request({ ...valid, [changed]: 1 }, '', unknown), code('ERR_BODY_DUPLICATE_KEY'));
    }),
  );
});
