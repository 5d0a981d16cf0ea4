// Data of persons that do not exist, with check digits that hold, and numbers that only look like them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGrowth } from '../base/test-time.ts';
import { findInternal } from './internal.ts';
import { findPersonalData } from './personal-data.ts';

const found: readonly [string, string, string][] = [
  ['email', 'écrivez à marie.durand+facture@societe-durand.fr, merci', 'marie.durand+facture@societe-durand.fr'],
  ['phone', 'Tél. : 06 12 84 56 78.', '06 12 84 56 78'],
  ['phone', 'appelez le +33 6 12 84 56 78', '+33 6 12 84 56 78'],
  ['phone', 'fixe 01.42.68.53.00 le matin', '01.42.68.53.00'],
  ['phone', '0033 1 42 68 53 00', '0033 1 42 68 53 00'],
  ['phone', 'call +44 20 7946 0958 now', '+44 20 7946 0958'],
  ['phone', 'call (415) 555-2671 now', '(415) 555-2671'],
  ['phone', 'fixe 01\u202f42\u202f68\u202f53\u202f00', '01\u202f42\u202f68\u202f53\u202f00'],
  ['phone', 'au +33\u00a06\u00a012\u00a084\u00a056\u00a078.', '+33\u00a06\u00a012\u00a084\u00a056\u00a078'],
  ['phone', 'au 06/12/84/56/78', '06/12/84/56/78'],
  [
    'iban',
    'FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0606',
    'FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0606',
  ],
  ['card', '4539\u202f1488\u202f0343\u202f6467', '4539\u202f1488\u202f0343\u202f6467'],
  ['nir', '2\u00a069\u00a005\u00a049\u00a0588\u00a0157\u00a080', '2\u00a069\u00a005\u00a049\u00a0588\u00a0157\u00a080'],
  ['nir', '2-69-05-49-588-157-80', '2-69-05-49-588-157-80'],
  ['nir', '1 90 08 2a 004 056 23', '1 90 08 2a 004 056 23'],
  ['ipv6', 'from ::ffff:91.198.174.192 ok', '::ffff:91.198.174.192'],
  ['iban', 'IBAN FR14 2004 1010 0505 0001 3M02 606, BIC', 'FR14 2004 1010 0505 0001 3M02 606'],
  ['iban', 'DE89370400440532013000', 'DE89370400440532013000'],
  ['card', 'carte 4539 1488 0343 6467 exp', '4539 1488 0343 6467'],
  ['card', 'amex 378282246310005', '378282246310005'],
  ['nir', 'NIR 2 69 05 49 588 157 80', '2 69 05 49 588 157 80'],
  ['ipv4', 'client 91.198.174.192 refused', '91.198.174.192'],
  ['ipv6', 'from 2a00:1450:4007:80e::200e ok', '2a00:1450:4007:80e::200e'],
];
for (const [kind, text, value] of found)
  test(`findPersonalData() finds ${kind} in ${JSON.stringify(text)}`, () => {
    const [hit, ...others] = findPersonalData(text);
    assert.deepEqual(others, []);
    assert.deepEqual(hit && [hit.kind, text.slice(hit.start, hit.end)], [kind, value]);
  });

test('findPersonalData() finds nothing in numbers that only look like data', () => {
  const innocent = [
    'FR14 2004 1010 0505 0001 3M02 607',
    '4539 1488 0343 6468',
    '2 69 05 49 588 157 81',
    'version 1.2.3.4, 127.0.0.1, 192.168.1.10 and 999.1.1.1',
    'at 12:30:45 on 2024-01-02',
    'contact@example.com',
    'SELECT * FROM t WHERE id = 1234567890123',
    'std::vector<int> x = a::b::c;',
    'pi is 3.14159265358979',
    'du 01/02/2023 au 05/06/2024',
    'order 2024-000123-4567',
    'the 1990s, 100 000 000 euros',
    'FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0607',
    '4539\u202f1488\u202f0343\u202f6468',
    '1 90 08 2b 004 056 23',
    'from ::ffff:192.168.1.10 on',
    'fd12:3456:789a::1 and fe80::1ff:fe23:4567:890a',
    '1\u202f234\u202f567\u202f890\u202f123 euros',
    'MAC 00:1B:44:11:3A:B7',
  ];
  for (const text of innocent) assert.deepEqual(findPersonalData(text), [], text);
});

test('findInternal() finds hosts, private addresses, home folders and stack traces', () => {
  const cases: readonly [string, string, string][] = [
    ['host', 'see db01.paris.internal:5432 for', 'db01.paris.internal:5432'],
    ['address', 'on 10.12.0.7:8080 only', '10.12.0.7:8080'],
    ['path', 'in /home/marie/app/config.yaml here', '/home/marie/app/config.yaml'],
    ['path', 'in C:\\Users\\marie\\key.txt', 'C:\\Users\\marie\\key.txt'],
    ['stack-trace', 'Error: x\n    at open (/app/src/db.js:12:5)\nend', '    at open (/app/src/db.js:12:5)'],
    ['stack-trace', '  File "/app/x.py", line 3, in run\n', '  File "/app/x.py", line 3, in run'],
    ['stack-trace', '\tat com.acme.Main.run(Main.java:42)', '\tat com.acme.Main.run(Main.java:42)'],
    ['host', 'see nas.home.arpa', 'nas.home.arpa'],
    ['address', 'on fd12:3456:789a::1 only', 'fd12:3456:789a::1'],
    ['path', 'see file:///home/marie/app/config.yaml', '/home/marie/app/config.yaml'],
    ['path', '{"at":"C:\\\\Users\\\\marie\\\\key.txt"}', 'C:\\\\Users\\\\marie\\\\key.txt'],
    ['path', 'on \\\\files\\hr\\pay.xlsx', '\\\\files\\hr\\pay.xlsx'],
    [
      'stack-trace',
      '   at Acme.Web.Pay.Run(String s) in C:\\src\\Pay.cs:line 42',
      '   at Acme.Web.Pay.Run(String s) in C:\\src\\Pay.cs:line 42',
    ],
    ['stack-trace', "\tfrom /srv/app/pay.rb:44:in `run'", '/srv/app/pay.rb:44:in'],
    ['stack-trace', 'Caused by: com.acme.PayException: no', 'Caused by: com.acme.PayException'],
  ];
  for (const [kind, text, value] of cases) {
    const [hit] = findInternal(text);
    assert.deepEqual(hit && [hit.kind, text.slice(hit.start, hit.end)], [kind, value]);
  }
  for (const text of [
    'look at the page',
    'the local bakery',
    'open /etc/hosts',
    'File a complaint',
    '1.10.2',
    'at f(x) you see',
    'fade: 12',
  ])
    assert.deepEqual(findInternal(text), [], text);
});

test('findPersonalData() and findInternal() take time in proportion to the length of the worst texts', () => {
  for (const piece of [
    'a@',
    'a.',
    '1 ',
    '0',
    '1.1.',
    'a:',
    '+1 2',
    'FR76 ',
    '4',
    ' at a',
    '/home/a',
    'C:\\Users\\a ',
    '\\\\a',
    'a.rb:',
    '\nat a.',
    'fd00:',
    '::1.1.1',
    '1\u00a0',
    '+1\u202f2',
    'Caused by: ',
    '1 23 45 ',
    'a@a.',
  ])
    for (const find of [findPersonalData, findInternal]) {
      const work = (length: number) => {
        const text = piece.repeat(length / piece.length);
        return () => find(text);
      };
      const what = `${find.name} on ${JSON.stringify(piece)}`;
      assertGrowth({ what, work, lengths: [8_000, 64_000], mostMs: 1_000 });
    }
});
