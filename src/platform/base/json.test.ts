import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, canonicalText, type Json } from './json.ts';

test('canonicalText() is the canonical form of any JSON text, and of one in order the text itself', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      const canonical = canonicalJson(JSON.parse(text) as Json);
      assert.equal(canonicalText(text), canonical);
      assert.equal(canonicalText(canonical), canonical);
    }),
  );
  assert.equal(canonicalText('{"9":1,"10":2}'), '{"10":2,"9":1}');
  assert.equal(canonicalText('{"a":[{"z":1,"b":2}]}'), '{"a":[{"b":2,"z":1}]}');
});
