import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isConstantList, isOverConstants } from './constant-lists.ts';
import { readCode } from './read-code.ts';

const over = (text: string): boolean[] => {
  const reading = readCode('javascript', text);
  return reading.scopes.filter(({ callback }) => callback).map((scope) => isOverConstants(reading, scope));
};

test('isOverConstants sees a callback over a list that is written out, whatever its form', () => {
  const list = "const all = [{ a: 'x', b: 1 }, { a: 'y', b: 2 }];\n";
  for (const use of [
    'all.forEach((one) => { show(one.a); });',
    'all.map(one => show(one.a));',
    'all.forEach(function (one) { show(one.a); });',
    'all.sort().slice(0, 1).map((one) => show(one.a));',
  ])
    assert.deepEqual(over(`${list}${use}\n`), [true], use);
});

test('isOverConstants leaves alone what may hold foreign values', () => {
  for (const text of [
    'items.forEach((one) => { show(one.a); });',
    'const all = [];\nall.push(input.value);\nall.forEach((one) => { show(one); });',
    "const all = ['a'];\nall.push(input.value);\nall.forEach((one) => { show(one); });",
    'const all = [input.value];\nall.forEach((one) => { show(one); });',
    `const all = [\`\${name}\`];\nall.forEach((one) => { show(one); });`,
    "let all = ['a'];\nall = load();\nall.forEach((one) => { show(one); });",
    "const all = ['a'];\nload(all, (one) => { show(one); });",
  ])
    assert.equal(over(`${text}\n`).includes(true), false, text);
});

test('isConstantList tells the same at the second asking', () => {
  const reading = readCode('javascript', "const all = ['a', 'b'];\nconst none = [];\n");
  for (const list of ['all', 'none', 'all', 'none']) assert.equal(isConstantList(reading, list), list === 'all');
});
