import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertCpu } from '../../platform/base/test-time.ts';
import { createSplitter, type Split } from './split-json.ts';

const all = (_: Uint8Array) => true;
const decode = (bytes: Uint8Array) => Buffer.from(bytes).toString();

function split(text: string, cuts: readonly number[], shape: 'array' | 'values' = 'array', isElement = all): Split[] {
  const bytes = Buffer.from(text);
  const splitter = createSplitter({ shape, maxBytes: 1e6, isElement });
  const out: Split[] = [];
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    out.push(...splitter.push(bytes.subarray(from, Math.max(from, cut))));
    from = Math.max(from, cut);
  }
  return [...out, ...splitter.push(bytes.subarray(from)), ...splitter.end()];
}

const values = (splits: readonly Split[]) => splits.flatMap((s) => (s.kind === 'value' ? [decode(s.bytes)] : []));
const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 8 });
const cuts = fc.array(fc.nat(2_000), { maxLength: 30 });

test('createSplitter() gives the elements of an array, whatever the chunks', () => {
  fc.assert(
    fc.property(objects, cuts, fc.constantFrom(0, 1, 2), (list, at, indent) => {
      const text = JSON.stringify(list, null, indent);
      const splits = split(
        text,
        at.map((n) => n % (text.length + 1)),
      );
      assert.deepEqual(
        values(splits).map((v) => JSON.parse(v)),
        JSON.parse(text),
      );
      assert.equal(splits.filter((s) => s.kind === 'damaged').length, 0);
    }),
    { numRuns: 300 },
  );
});

test('createSplitter() gives values one after another, whatever the chunks', () => {
  fc.assert(
    fc.property(objects, cuts, (list, at) => {
      const text = list.map((value) => JSON.stringify(value)).join('\n');
      assert.deepEqual(
        values(
          split(
            text,
            at.map((n) => n % (text.length + 1)),
            'values',
          ),
        ),
        text === '' ? [] : text.split('\n'),
      );
    }),
    { numRuns: 200 },
  );
});

test('createSplitter() finds the same damage and the same elements in every chunking', () => {
  const element = (n: number) => `{"key":"text ${n} },{ \\" ","inner":[{"deep":1},{"deep":2}]}`;
  const isElement = (bytes: Uint8Array) => /^\{\s*"key"/.test(decode(bytes));
  fc.assert(
    fc.property(fc.nat(400), fc.string({ minLength: 1, maxLength: 3 }), cuts, (where, junk, at) => {
      const whole = `[${[0, 1, 2, 3, 4, 5].map(element).join(', ')}]`;
      const text = whole.slice(0, where) + junk + whole.slice(where + 1);
      const bytes = Buffer.from(text);
      const plain = split(text, [], 'array', isElement);
      const chunked = split(
        text,
        at.map((n) => n % (bytes.length + 1)),
        'array',
        isElement,
      );
      assert.deepEqual(chunked.map(shown), plain.map(shown));
    }),
    { numRuns: 300 },
  );
});

function shown(s: Split): string {
  return s.kind === 'value' ? decode(s.bytes) : `${s.why} ${s.length}`;
}

for (const [title, text, expected] of [
  ['a missing quote', '[{"k":1},{"k:2},{"k":3}]', ['{"k":1}', 'broken', '{"k":3}']],
  ['a missing bracket', '[{"k":1},{"k":[2},{"k":3}]', ['{"k":1}', 'broken', '{"k":3}']],
  ['an end that is missing', '[{"k":1},{"k":[{"a":1},{"k":3}]', ['{"k":1}', 'cut-off', '{"k":3}']],
  ['a literal among the elements', '[null,{"k":1}]', ['broken', '{"k":1}']],
  ['nothing behind the bracket', '[', ['cut-off']],
] as const) {
  test(`createSplitter() goes on behind ${title}`, () => {
    const isElement = (bytes: Uint8Array) => decode(bytes).startsWith('{"k"');
    const found = split(text, [], 'array', isElement).map((s) => (s.kind === 'value' ? decode(s.bytes) : s.why));
    assert.deepEqual(found, expected);
  });
}

test('createSplitter() leaves an element that is too large and gives the next', () => {
  const splitter = createSplitter({ shape: 'array', maxBytes: 5_000, isElement: all });
  const text = `[{"k":1},{"k":"${'x'.repeat(50_000)}"},{"k":3}]`;
  const out: Split[] = [];
  for (let i = 0; i < text.length; i += 1_000) out.push(...splitter.push(Buffer.from(text.slice(i, i + 1_000))));
  out.push(...splitter.end());
  assert.deepEqual(
    out.map((s) => (s.kind === 'value' ? decode(s.bytes) : s.why)),
    ['{"k":1}', 'too-large', '{"k":3}'],
  );
});

test('createSplitter() reads hostile depth and endless beginnings in time that grows with their length', () => {
  const hostile = (n: number) => `[x${'},{"a":[['.repeat(n)}`;
  assertCpu('two million brackets', 2_000, () => split('['.repeat(2e6), []));
  assertCpu('three thousand beginnings', 3_000, () => split(hostile(3_000), []));
});
