// Which targets may be broken without somebody's leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseStrangers } from './loopback.ts';
import { type Profile, profileSchema } from './profile.ts';

function at(url: string, more: object = {}): Profile {
  return { ...profileSchema.parse({ name: 'bot', ask: { request: { url } }, ...more }), file: '/bot.yaml' };
}
const request = { url: 'http://127.0.0.1:1/' };

for (const url of [
  'http://127.0.0.1:8080/chat',
  `http://127.0.0.1:\${port}/chat`,
  'http://localhost/chat',
  'http://LOCALHOST:1',
  'https://[::1]:8443/chat',
  'http://127.9.8.7/',
])
  test(`refuseStrangers() lets ${url} be, which is this machine`, () => refuseStrangers(at(url)));

for (const url of [
  'http://bot.example/chat',
  'http://10.0.0.7:80/chat',
  'http://127.0.0.1.evil.example/',
  'http://127.0.0.1@evil.example/chat',
  'http://localhost.evil.example',
  `\${port}`,
  `http://127.0.0.1:80@evil.example:\${port}/`,
])
  test(`refuseStrangers() refuses ${url}, which may be another machine`, () => {
    assert.throws(() => refuseStrangers(at(url)), { code: 'ERR_TARGET_NOT_LOCAL' });
  });

for (const more of [
  { history: { request: { url: 'http://far.example/' }, messages: '' } },
  { health: { url: 'http://far.example/' } },
  { settings: { get: { url: 'http://far.example/' } } },
  { login: { request: { url: 'http://far.example/' } } },
  { incidents: { request: { url: 'http://far.example/' } } },
  { start: { command: ['node'], ready: { url: 'http://far.example/' } } },
])
  test(`refuseStrangers() refuses a far address in ${Object.keys(more)[0]}`, () => {
    assert.throws(() => refuseStrangers(at(request.url, more)));
  });

test('refuseStrangers() minds no real upstream, which is only called', () => {
  refuseStrangers(at(request.url, { upstream: { real: 'https://api.example' } }));
});
