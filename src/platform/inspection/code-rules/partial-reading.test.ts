// What cannot be read whole is said, and the rest is still judged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectWhole } from './inspect-code.ts';

const weak = "os.system('ping ' + host)\n";
const filler = 'x = 1\n';

test('inspectWhole() reads an ordinary block whole', () => {
  const { matches, partial } = inspectWhole('python', filler + weak);
  assert.deepEqual(partial, []);
  assert.deepEqual(
    matches.map(({ line }) => line),
    [2],
  );
});

test('inspectWhole() says that a text is too long, and judges its beginning', () => {
  const { matches, partial } = inspectWhole('python', weak + filler.repeat(80_000) + weak);
  assert.deepEqual(partial, ['too-long']);
  assert.deepEqual(
    matches.map(({ line }) => line),
    [1],
  );
});

test('inspectWhole() cuts a line of ten thousand characters and goes on behind it', () => {
  const { matches, partial } = inspectWhole('python', `data = '${'a'.repeat(20_000)}'\n${weak}`);
  assert.ok(partial.includes('long-lines'));
  assert.deepEqual(
    matches.map(({ line }) => line),
    [2],
  );
});

test('inspectWhole() says that brackets or strings stay open', () => {
  assert.deepEqual(inspectWhole('python', `${weak}foo(1, [2`).partial, ['unclosed']);
  assert.deepEqual(inspectWhole('python', `${weak}s = """never ends\n`).partial, ['unclosed']);
  assert.deepEqual(inspectWhole('python', `${weak}s = """ends"""\n`).partial, []);
  assert.deepEqual(inspectWhole('javascript', 'function f(a) {\n  eval(a);\n').partial, ['unclosed']);
  assert.deepEqual(inspectWhole('javascript', 'function f(a) {\n  eval("1" + a);\n}\n').partial, []);
});
