import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RempartError } from '../../platform/base/errors.ts';
import { commandArgs } from './command-args.ts';
import { createScope } from './variables.ts';

const evil = `x"; $(id) '}\r\n../&a=b __other__:value`;
const common = { constant: false, external: true, type: 'string' as const };
const scope = createScope(
  {
    __subject__: common,
    __other__: { ...common, value: 'OTHER' },
    __url__: { ...common, value: 'https://api.example.com/v1' },
    __count__: { ...common, value: '7' },
    __flags__: { ...common, constant: true, external: false, value: '-a -b' },
    __given__: { ...common, constant: true, value: 'inside' },
    __path__: { ...common, constant: true, external: false, value: 'a/b' },
  },
  { __subject__: evil, __given__: 'out/side' },
);

for (const type of ['bash', 'ssh'])
  test(`commandArgs() leaves the text of ${type} as it is and hands values over beside it`, () => {
    const command = 'stop "__subject__:value" __flags__:value __given__:value __init__ __other__';
    const args = commandArgs(type, { command, description: 'of __other__:value' }, scope);
    assert.equal(args['command'], command);
    assert.equal(args['description'], 'of OTHER');
    assert.deepEqual(args['values'], [
      { name: '__subject__', value: evil, fixed: false },
      { name: '__flags__', value: '-a -b', fixed: true },
      // A constant that was given from outside is its author's no more.
      { name: '__given__', value: 'out/side', fixed: false },
      { name: '__other__', value: 'OTHER', fixed: false },
    ]);
  });

test('commandArgs() refuses a reference to no variable', () => {
  const wrong = () => commandArgs('bash', { command: 'echo __nobody__:value' }, scope);
  assert.throws(wrong, (error) => error instanceof RempartError && error.code === 'ERR_PLAYBOOK_VARIABLE');
});

test('commandArgs() keeps a value within its part of an address, and takes a whole address where one is meant', () => {
  const of = (command: string) => commandArgs('http-api', { command }, scope)['command'];
  assert.equal(
    of('GET /keys/__subject__:value?n=__count__:value HTTP/1.1'),
    `GET /keys/${encodeURIComponent(evil)}?n=7 HTTP/1.1`,
  );
  assert.equal(of('GET /__path__:value/__given__:value HTTP/1.1'), 'GET /a/b/out%2Fside HTTP/1.1');
  assert.equal(of('GET __url__:value/keys/__count__:value HTTP/1.1'), 'GET https://api.example.com/v1/keys/7 HTTP/1.1');
});

const contents: [string, object | undefined, string][] = [
  ['{"a": {"b": ["__subject__:value"]}, "n": 1}', undefined, JSON.stringify({ a: { b: [evil] }, n: 1 })],
  ['{"n": __count__:value}', undefined, '{"n": 7}'],
  ['{"n": __other__:value}', undefined, '{"n": "OTHER"}'],
  [
    'name=__subject__:value&x=1',
    { 'Content-Type': ['application/x-www-form-urlencoded'] },
    `name=${encodeURIComponent(evil)}&x=1`,
  ],
  ['{"big": 12345678901234567890}', undefined, '{"big": 12345678901234567890}'],
  ['said: __other__:value', { 'Content-Type': ['text/plain'] }, 'said: OTHER'],
];
for (const [content, headers, wanted] of contents)
  test(`commandArgs() keeps a value a value in ${JSON.stringify(content)}`, () => {
    const given = {
      command: 'POST / HTTP/1.1',
      content,
      ...(headers === undefined ? {} : { headers: { ...headers } }),
    };
    assert.equal(commandArgs('http-api', given, scope)['content'], wanted);
  });

test('commandArgs() fills what people read, once', () => {
  const args = commandArgs(
    'manual',
    { command: 'Call __subject__:value', targets: [{ name: '__other__:value' }] },
    scope,
  );
  assert.deepEqual(args, { command: `Call ${evil}`, targets: [{ name: 'OTHER' }] });
});
