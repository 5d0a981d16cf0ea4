import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { RempartError } from '../../../platform/base/errors.ts';
import { shellProgram } from './shell-text.ts';

const given = (value: string, fixed = false) => [{ name: '__subject__', value, fixed }];
const code = (wanted: string) => (error: unknown) => error instanceof RempartError && error.code === wanted;

function run(text: string, value: string): string {
  const { text: ready, variables } = shellProgram(text, given(value));
  return execFileSync('/bin/bash', ['--norc', '-c', ready], {
    env: { PATH: '/usr/bin:/bin', ...variables },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const printed: [string, string][] = [
  ['printf %s __subject__:value', 'a b/c.d'],
  ['printf %s "__subject__:value"', 'a b/c.d'],
  ['printf %s x"y __subject__:value z"', 'xy a b/c.d z'],
  ['printf %s $(printf %s __subject__:value)', 'ab/c.d'],
  ["printf %s 'it is' # don't\nprintf %s __subject__:value", 'it isa b/c.d'],
  ['if true; then printf %s "__subject__:value"; fi', 'a b/c.d'],
];
for (const [text, wanted] of printed)
  test(`shellProgram() gives ${JSON.stringify(text)} the value as one argument`, () => {
    assert.equal(run(text, 'a b/c.d'), wanted);
  });

test('shellProgram() never puts a value into the text, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      try {
        const { text } = shellProgram('echo "__subject__:value"', given(value));
        assert.equal(text, `echo "$${'{REMPART_V0}'}"`);
      } catch (error) {
        assert.ok(error instanceof RempartError && error.code === 'ERR_COMMAND_VALUE');
      }
    }),
  );
});

const hostile = [
  '$(id)',
  '`id`',
  'x; id',
  'x && id',
  'x | id',
  'x\nid',
  "x' id",
  'x" id',
  'a[$(id)]',
  '-rf',
  'x -rf',
  '../../etc/shadow',
  'x/..',
  '*',
  '~root',
  '{a,b}',
  '\\x',
  '>x',
  '\u001b[31m',
  'x\u202ey',
  '!!',
  'x\0y',
];
for (const value of hostile)
  test(`shellProgram() refuses the value ${JSON.stringify(value)}`, () => {
    assert.throws(() => shellProgram('echo "__subject__:value"', given(value)), code('ERR_COMMAND_VALUE'));
  });

for (const value of [
  '',
  'api_1',
  'Zoë Çelik',
  '10.0.0.7:8080',
  '2001:db8::1',
  'user@example.com',
  'a=b,c+d%',
  '/var/log/x',
])
  test(`shellProgram() takes the value ${JSON.stringify(value)} and hands it over unchanged`, () => {
    assert.equal(run('printf %s "__subject__:value"', value), value);
  });

const places = [
  '__subject__:value',
  'true; __subject__:value x',
  'true && "__subject__:value"',
  'true | __subject__:value',
  'echo $(__subject__:value)',
  'echo `__subject__:value`',
  'echo "$(__subject__:value)"',
  'A=1 __subject__:value',
  'PATH=__subject__:value ls',
  'X="__subject__:value"; $X',
  'export PATH="__subject__:value"',
  'sudo __subject__:value',
  'sudo -u root __subject__:value',
  'exec "__subject__:value"',
  'if __subject__:value; then true; fi',
  'bash -c "echo __subject__:value"',
  'sh -c __subject__:value',
  '/bin/sh -c "__subject__:value"',
  'env -i sh -c "__subject__:value"',
  'eval echo __subject__:value',
  'trap __subject__:value EXIT',
  "echo '__subject__:value'",
  'cat <<END\n__subject__:value\nEND',
  'echo x > __subject__:value',
  'cat < "__subject__:value"',
  'find / -exec __subject__:value +',
  'xargs "__subject__:value"',
  'ssh host "__subject__:value"',
  'python3 -c "__subject__:value"',
];
for (const text of places)
  test(`shellProgram() refuses a reference in ${JSON.stringify(text)}`, () => {
    assert.throws(() => shellProgram(text, given('reboot')), code('ERR_COMMAND_PLACE'));
  });

test('shellProgram() puts a constant of the playbook wherever its author wants it', () => {
  const { text, variables } = shellProgram('__subject__:value --all', given('ls -l', true));
  assert.deepEqual([text, variables], ['ls -l --all', {}]);
});

test('shellProgram() leaves words with underscores that are no variable, and references in comments', () => {
  const text = 'python3 __init__.py # __subject__:value';
  assert.equal(shellProgram(text, given('x')).text, text);
});
