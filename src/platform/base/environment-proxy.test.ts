// The proxy that the environment names, by the rules that other programs follow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Environment, environmentProxy, isLoopback } from './environment-proxy.ts';

const cases: [why: string, address: string, env: Environment, expected: string | undefined][] = [
  ['none is named', 'http://a.example', {}, undefined],
  ['HTTP_PROXY is for http', 'http://a.example', { HTTP_PROXY: 'http://p:1' }, 'http://p:1/'],
  ['HTTP_PROXY is not for https', 'https://a.example', { HTTP_PROXY: 'http://p:1' }, undefined],
  ['HTTPS_PROXY is for https', 'https://a.example', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
  ['small letters win', 'http://a.example', { HTTP_PROXY: 'http://p:1', http_proxy: 'http://q:2' }, 'http://q:2/'],
  ['ALL_PROXY is for the rest', 'https://a.example', { ALL_PROXY: 'http://p:1' }, 'http://p:1/'],
  ['a scheme may be left out', 'http://a.example', { HTTP_PROXY: 'p:1' }, 'http://p:1/'],
  ['a SOCKS proxy is not for us', 'http://a.example', { HTTP_PROXY: 'socks5://p:1' }, undefined],
  ['NO_PROXY names the host', 'http://a.example', { HTTP_PROXY: 'p:1', NO_PROXY: 'b, a.example' }, undefined],
  ['NO_PROXY names its domain', 'http://a.b.example', { HTTP_PROXY: 'p:1', NO_PROXY: '.b.example' }, undefined],
  [
    'NO_PROXY names a longer host',
    'http://ab.example',
    { HTTP_PROXY: 'http://p:1', NO_PROXY: 'b.example' },
    'http://p:1/',
  ],
  ['NO_PROXY names another port', 'http://a:81', { HTTP_PROXY: 'http://p:1', NO_PROXY: 'a:80' }, 'http://p:1/'],
  ['NO_PROXY names all', 'http://a.example', { HTTP_PROXY: 'p:1', NO_PROXY: '*' }, undefined],
];

for (const [why, address, env, expected] of cases)
  test(`environmentProxy() knows: ${why}`, () => assert.equal(environmentProxy(address, env), expected));

test('isLoopback() knows this machine by name and address', () => {
  for (const own of ['http://localhost:1', 'http://127.9.8.7:1', 'http://[::1]', 'http://a.localhost'])
    assert.ok(isLoopback(own), own);
  for (const other of ['http://a.example', 'http://128.0.0.1', 'http://127.0.0.1.example'])
    assert.ok(!isLoopback(other), other);
});
