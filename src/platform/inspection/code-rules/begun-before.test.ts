import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutHead } from './begun-before.ts';
import { inspectCode } from './inspect-code.ts';

test('withoutHead blanks the end of a docstring that began before the fragment', () => {
  const code = '    What it returns.\n    """\n    return eval(text)\n';
  assert.equal(withoutHead('python', code).trim(), 'return eval(text)');
  assert.deepEqual(
    inspectCode('python', code).map(({ rule, line }) => [rule.id, line]),
    [['python.eval', 3]],
  );
});

test('withoutHead blanks the end of a text in other quotes, and of one that values are put into', () => {
  for (const end of ["'''", '""" % locals()', '""".format(name)', "''')"])
    assert.deepEqual(
      inspectCode('python', `What it returns.\n${end}\nreturn eval(text)\n`).map(({ rule, line }) => [rule.id, line]),
      [['python.eval', 3]],
    );
});

test('withoutHead leaves alone a docstring that the fragment opens and does not close', () => {
  for (const code of ['def f():\n    """\n    os.system(x)\n', 'QUERY = """\nselect 1\n', '"""Reads\nfiles.\n'])
    assert.equal(withoutHead('python', code), code);
});

test('withoutHead leaves alone docstrings that are whole', () => {
  const code = 'def f():\n    """\n    Words.\n    """\n    return 1\n';
  assert.equal(withoutHead('python', code), code);
});

test('withoutHead blanks the end of a comment that began before the fragment', () => {
  const code = ' * @param name what it is called\n */\nint f(char *s) { return system(s); }\n';
  assert.equal(withoutHead('c', code).trim(), 'int f(char *s) { return system(s); }');
  assert.equal(inspectCode('c', code)[0]?.line, 3);
});

test('withoutHead leaves alone a pattern that ends like a comment', () => {
  for (const code of ["const all = glob('src/**/*/x.js');\n", 'const re = /a*/;\nlet x = 1;\n', '/* a */ let b = 1;\n'])
    assert.equal(withoutHead('javascript', code), code);
});
