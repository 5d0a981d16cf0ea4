// Where answers may be sent, by the address's text and by what its name leads to when it is connected to.
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { test } from 'node:test';
import { RempartError } from '../../platform/base/errors.ts';
import { loadWafRules } from '../gateway/waf/waf-rules.ts';
import { createCheckAddress, createGuardedLookup } from './webhook-address.ts';

const { places } = loadWafRules();

function whyNot(url: string, settings = { isOn: true, allowedHosts: [] as string[] }): string | undefined {
  try {
    createCheckAddress(places, settings)(url);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof RempartError && error.code === 'ERR_DEFERRED_WEBHOOK');
    return (error.facts['what'] as unknown as { key: string }).key.replace('deferred.webhook.', '');
  }
}

for (const [url, expected] of [
  ['https://hooks.example.org/x?id=1', undefined],
  ['https://hooks.example.org:8443/x', undefined],
  ['https://203.0.113.9/x', undefined],
  ['http://hooks.example.org/x', 'https'],
  ['http://127.0.0.1/x', 'https'],
  ['ftp://hooks.example.org/x', 'url'],
  ['javascript:alert(1)', 'url'],
  ['//hooks.example.org', 'url'],
  ['https://', 'url'],
  ['https://a:b@hooks.example.org/', 'url'],
  ['https://hooks.example.org/#x', 'url'],
  [`https://hooks.example.org/${'x'.repeat(2_100)}`, 'url'],
  ['https://localhost/', 'private'],
  ['https://LOCALHOST./', 'private'],
  ['https://127.1/', 'private'],
  ['https://2130706433/', 'private'],
  ['https://0x7f.1/', 'private'],
  ['https://[::1]/', 'private'],
  ['https://[::ffff:10.0.0.1]/', 'private'],
  ['https://[64:ff9b::7f00:1]/', 'private'],
  ['https://10.1.2.3/', 'private'],
  ['https://169.254.169.254/latest', 'private'],
  ['https://db.internal/', 'private'],
  ['https://10.0.0.1.nip.io/', 'private'],
  ['https://intranet/', 'private'],
] as const)
  test(`createCheckAddress() ${expected === undefined ? 'takes' : `says ${expected} to`} ${url.slice(0, 60)}`, () => {
    assert.equal(whyNot(url), expected);
  });

test('createCheckAddress() takes none while webhooks are off, and a private host that is named', () => {
  assert.equal(whyNot('https://hooks.example.org/x', { isOn: false, allowedHosts: [] }), 'off');
  const named = { isOn: true, allowedHosts: ['10.1.2.3', '127.0.0.1', 'hooks.internal'] };
  assert.equal(whyNot('https://10.1.2.3/', named), undefined);
  assert.equal(whyNot('https://hooks.internal/', named), undefined);
  assert.equal(whyNot('http://127.0.0.1:9/', named), undefined);
  assert.equal(whyNot('http://hooks.internal/', named), 'https', 'in clear only on this machine');
  assert.equal(whyNot('https://10.1.2.4/', named), 'private');
});

const lookUp = (host: string, allowed: string[]) =>
  new Promise<LookupAddress[]>((resolve, reject) => {
    createGuardedLookup(places, allowed)(host, { all: true }, (error, found) =>
      error === null ? resolve(found as unknown as LookupAddress[]) : reject(error),
    );
  });

test('createGuardedLookup() leads nowhere private, whatever the name was taken for', async () => {
  await assert.rejects(lookUp('localhost', []), { code: 'ERR_DEFERRED_WEBHOOK' });
  assert.ok((await lookUp('localhost', ['localhost'])).length > 0);
});
