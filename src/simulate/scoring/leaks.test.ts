// Canaries in every form in which software passes things on, hidden in random text; tell-tale patterns; nothing found where nothing is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertCpu } from '../../platform/base/test-time.ts';
import type { Canary } from '../scenarios/evidence.ts';
import { identifier, randomFrom } from '../standin/random.ts';
import { type ChannelText, canaryForms, findLeaks } from './leaks.ts';

const random = randomFrom(11);
const key: Canary = { name: 'upstream-key', kind: 'key', value: `sk-${identifier(random, 45)}` };
const secret: Canary = { name: 'user', kind: 'secret', value: `rps_${identifier(random, 40)}` };
const host: Canary = { name: 'upstream-host', kind: 'host', value: '127.83.201.9' };
const path: Canary = { name: 'database-path', kind: 'path', value: '/tmp/rempart-run-Ab12/m1/db-x9y8z7w6v5u4' };
const prompt: Canary = { name: 'system-prompt', kind: 'prompt', value: `ref-${identifier(random, 24)}` };
const all = [key, secret, host, path, prompt];

/** Text of letters, signs and digits such as logs and answers hold; too short for a canary to come about by chance. */
const noise = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnop ÉéA-Z019.,;!?/\n\t'), maxLength: 80 });

/** Each way in which software passes a text on. */
const forms: Record<string, (value: string) => string> = {
  exact: (value) => value,
  'json-escaped': (value) => value.replaceAll('/', '\\/'),
  'url-encoded': (value) => encodeURIComponent(value),
  base64: (value) => Buffer.from(value).toString('base64'),
  'base64, one byte before': (value) => Buffer.from(`:${value}`).toString('base64'),
  'base64, two bytes before': (value) => Buffer.from(`u:${value}`).toString('base64'),
  'base64 as of a bearer header': (value) => Buffer.from(`user:${value}@host`).toString('base64'),
  base64url: (value) => Buffer.from(`x${value}`).toString('base64url'),
  hex: (value) => Buffer.from(value).toString('hex'),
  'hex, upper case': (value) => Buffer.from(value).toString('hex').toUpperCase(),
  'upper case': (value) => value.toUpperCase(),
  'lower case': (value) => value.toLowerCase(),
  'split over two strings': (value) => `["${value.slice(0, 9)}", "${value.slice(9)}"]`,
  'split by line breaks': (value) => value.match(/.{1,7}/g)?.join('\n') ?? '',
};
for (const canary of all) {
  for (const [form, write] of Object.entries(forms)) {
    test(`canaryForms() finds a ${canary.kind} written as ${form} inside any text`, () => {
      fc.assert(
        fc.property(noise, noise, (before, after) => {
          const text = `${before} ${write(canary.value)} ${after}`;
          assert.ok(canaryForms(canary, text).length > 0, text);
        }),
        { numRuns: 60 },
      );
    });
  }
}

for (const [form, text] of [
  ['masked-prefix', `${key.value.slice(0, 10)}…`],
  ['masked-prefix', `${key.value.slice(0, 12)}${'*'.repeat(20)}`],
  ['masked-suffix', `****${key.value.slice(-8)}`],
] as const) {
  test(`canaryForms() finds a key shown as ${form} "${text.replace(/\w/g, 'x')}"`, () => {
    assert.deepEqual(canaryForms(key, `key ${text} refused`), [{ form, offset: text.startsWith('*') ? 8 : 4 }]);
  });
}

test('canaryForms() does not count the first and last letters of a key, as good masks show them', () => {
  assert.deepEqual(canaryForms(key, `key ${key.value.slice(0, 7)}…${key.value.slice(-4)} refused`), []);
});

test('canaryForms() says where an exact canary stands', () => {
  assert.deepEqual(canaryForms(key, `12345${key.value}`), [{ form: 'exact', offset: 5 }]);
});

test('canaryForms() finds nothing in text without canary', () => {
  fc.assert(
    fc.property(fc.oneof(noise, fc.string({ maxLength: 400 }), fc.base64String({ maxLength: 200 })), (text) => {
      for (const canary of all) assert.deepEqual(canaryForms(canary, text), [], text);
    }),
    { numRuns: 500 },
  );
});

test('canaryForms() finds nothing of another key, another host and another path', () => {
  const other = randomFrom(99);
  const text = `sk-${identifier(other, 45)} rps_${identifier(other, 40)} 127.83.201.10:80 /tmp/rempart-run-Ab12/m1/db-q`;
  for (const canary of all) assert.deepEqual(canaryForms(canary, text), []);
});

const channel = (name: string, text: string, baseline = false): ChannelText => ({
  channel: name,
  text,
  baseline,
  evidence: `e-${name}${baseline ? '-calm' : ''}`,
});
const namesOf = (channels: ChannelText[], canaries: readonly Canary[] = all) =>
  findLeaks(canaries, channels).map((leak) => `${leak.canary ?? leak.pattern} ${leak.channel} ${leak.cwe}`);

for (const [name, cwe] of [
  ['reply', 'CWE-209'],
  ['header', 'CWE-209'],
  ['health', 'CWE-209'],
  ['history', 'CWE-209'],
  ['log:stdout', 'CWE-532'],
  ['log:file', 'CWE-532'],
  ['alert', 'CWE-312'],
  ['database', 'CWE-312'],
] as const) {
  test(`findLeaks() names a key in the channel "${name}" with ${cwe} and its evidence`, () => {
    const found = findLeaks(all, [channel(name, `key=${key.value}`)]);
    assert.deepEqual(
      found.map(({ canary, channel: where, offset, form, kind, cwe: weak, evidence }) => [
        canary,
        where,
        offset,
        form,
        kind,
        weak,
        evidence,
      ]),
      [['upstream-key', name, 4, 'exact', 'key', cwe, `e-${name}`]],
    );
  });
}

test('findLeaks() counts a key that the baseline shows, and a secret, but no host or path that it shows', () => {
  assert.deepEqual(namesOf([channel('log:stdout', `${key.value} ${secret.value}`, true)]), [
    'upstream-key log:stdout CWE-532',
    'user log:stdout CWE-532',
  ]);
  const calm = channel('log:stdout', `listening, upstream ${host.value}, data in ${path.value}`, true);
  assert.deepEqual(namesOf([calm]), []);
  assert.deepEqual(namesOf([calm, channel('log:stdout', `cannot reach ${host.value} ${path.value}`)]), []);
  const shown = namesOf([calm, channel('reply', `cannot reach ${host.value}`)]);
  assert.ok(shown.includes('upstream-host reply CWE-209'), 'another channel than the one that showed it before');
});

test('findLeaks() names each canary once for each channel and form', () => {
  const twice = [channel('reply', key.value), channel('reply', key.value), channel('alert', key.value)];
  assert.deepEqual(namesOf(twice), ['upstream-key reply CWE-209', 'upstream-key alert CWE-312']);
});

const shown: [pattern: string, text: string][] = [
  ['stack-trace-js', 'Oops\n    at askModel (file:///srv/bot/bot.mjs:31:11)'],
  ['stack-trace-js', '    at async Server.<anonymous> (/app/server.js:10:3)'],
  ['stack-trace-js', '    at node:internal/process/task_queues:95:5'],
  ['stack-trace-python', 'Traceback (most recent call last)'],
  ['stack-trace-python', '  File "/app/main.py", line 12, in ask'],
  ['stack-trace-java', 'at com.acme.bot.Chat.ask(Chat.java:42)'],
  ['exception-name', 'TypeError: x is not a function'],
  ['system-error', 'connect ECONNREFUSED'],
  ['system-error', 'fetch failed'],
  ['sql', 'SQLITE_CORRUPT'],
  ['sql', 'SELECT role FROM messages'],
  ['sql', 'database disk image is malformed'],
  ['file-path', 'cannot open /var/lib/bot/db.sqlite'],
  ['file-path', 'cannot open C:\\bot\\db.sqlite'],
  ['internal-address', 'http://localhost:11434/api/chat'],
  ['internal-address', '10.2.3.4:5432'],
  ['internal-address', '192.168.1.7'],
  ['version', 'nginx/1.25.3'],
  ['version', 'x-powered-by: Express/4.18'],
];
for (const [pattern, text] of shown) {
  test(`findLeaks() finds the pattern ${pattern} in "${text.trim()}"`, () => {
    const names = findLeaks([], [channel('reply', text)]).map((leak) => leak.pattern);
    assert.ok(names.includes(pattern), names.join());
    assert.deepEqual(findLeaks([], [channel('log:stderr', text)]), [], 'a technical log may be technical');
    assert.deepEqual(findLeaks([], [channel('reply', text, true)]), [], 'the baseline shows no failure');
    assert.ok(
      !findLeaks([], [channel('reply', text, true), channel('reply', text)]).some((leak) => leak.pattern === pattern),
      'what the baseline shows too does not count',
    );
  });
}

for (const text of [
  'L’assistant est momentanément indisponible. Réessayez dans 5 minutes.',
  'Your message is kept (reference mk1a2b3c4d). Select an option from the list.',
  '{"reply":"Une pile rend le dernier élément.","conversation":"conv-8f3k"}',
  'At 10:30:15 the service was unavailable.',
  'cache-control: no-store\nx-request-id: 8f3k-22\nretry-after: 30',
  'Error 503: service unavailable, see https://status.example.com/incidents/22',
  'ratio 1/2, either/or, 24/7, and/or',
  'The release of 10.12.2025 is late.',
]) {
  test(`findLeaks() finds nothing in "${text.slice(0, 50).replaceAll('\n', ' ')}…"`, () => {
    assert.deepEqual(namesOf([channel('reply', text), channel('header', text)]), []);
  });
}

test('findLeaks() is done in time with texts made to slow patterns down', () => {
  const slow = ['at a.', 'SELECT ', 'java.a', '/tmp/a', 'AError', '127.1.1', 'at [', 'File "'];
  for (const text of slow) {
    const reply = channel('reply', text.repeat(Math.floor(65_536 / text.length)));
    assertCpu(text, 1_500, () => findLeaks(all, [reply]));
  }
});

test('canaryForms() finds a key masked at both ends, and lets the bare ending of a careful mask pass', () => {
  const value = 'sk-Zq8Lw2Vx9Tn4Rb7Yk1Mc6Hd3Jf5Gs0PaEuOiXyWvUt';
  const forms = (text: string) => canaryForms({ name: 'k', kind: 'key', value }, text).map(({ form }) => form);
  assert.deepEqual(forms(`key ${value.slice(0, 7)}****${value.slice(-4)} refused`), ['masked']);
  assert.deepEqual(forms(`key sk-…${value.slice(-4)} refused`), []);
  assert.deepEqual(forms('key sk-**** refused'), []);
});

test('findLeaks() tells a system prompt that failure brought to light, and not one that is shown on ordinary days', () => {
  const seen = (baseline: boolean): ChannelText => ({
    channel: 'reply',
    text: `instructions: ${prompt.value}`,
    baseline,
    evidence: 'e1',
  });
  assert.deepEqual(
    findLeaks([prompt], [seen(false)]).map(({ canary, kind }) => [canary, kind]),
    [['system-prompt', 'prompt']],
  );
  assert.deepEqual(findLeaks([prompt], [seen(true), seen(false)]), []);
});
