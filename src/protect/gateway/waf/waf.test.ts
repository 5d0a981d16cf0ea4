// The rules against attacks round the prompt: each finds its examples, none its innocents, and none takes long for any text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../platform/base/json.ts';
import { assertGrowth } from '../../../platform/base/test-time.ts';
import { createLeadsTo } from './reach.ts';
import { createWaf, finder, variantsOf } from './waf.ts';
import { wafSchema } from './waf-config.ts';
import { loadWafRules, type WafPlace } from './waf-rules.ts';

const loaded = loadWafRules();
const leadsTo = createLeadsTo(loaded.places, []);
const all = wafSchema.parse({});

for (const rule of loaded.rules)
  test(`loadWafRules() gives ${rule.id}, which finds its examples and none of its innocents`, () => {
    const finds = finder(rule, leadsTo);
    for (const example of rule.examples)
      assert.ok(
        rule.in.some((place) => finds(variantsOf(example, place))),
        `missed: ${example}`,
      );
    for (const place of rule.in)
      for (const innocent of rule.clean) assert.ok(!finds(variantsOf(innocent, place)), `${place}: ${innocent}`);
  });

test('createWaf() finds nothing in what clients of these APIs really send', () => {
  const waf = createWaf(loaded, wafSchema.parse({}));
  const agents = [
    'OpenAI/JS 7.5.0',
    'OpenAI/Python 2.3.0',
    'mistral-client-typescript/1.10.0',
    'ollama-python/0.5.1 (x86_64 linux) Python/3.12.3',
    'ai-sdk/provider-utils/3.0.0 runtime/node.js/24',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
    'curl/8.5.0',
    'Go-http-client/1.1',
    'axios/1.7.2',
    'kube-probe/1.31',
  ];
  for (const agent of agents)
    assert.deepEqual(
      waf.head({
        url: '/v1/chat/completions?api-version=2026-01-01&trace=a%20b',
        rawHeaders: [
          ...['User-Agent', agent, 'Accept', 'application/json, text/event-stream;q=0.9, */*;q=0.8'],
          ...[
            'Authorization',
            "Bearer x' OR 1=1 --",
            'X-Stainless-Runtime',
            'node',
            'Sec-CH-UA',
            '"Chromium";v="141", "Not?A_Brand";v="8"',
          ],
          ...['Referer', 'http://localhost:3000/chat?id=3', 'Accept-Language', 'fr-FR,fr;q=0.9,en;q=0.8'],
          ...[
            'traceparent',
            '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
            'Cookie',
            'theme=dark; id=a-b_c',
          ],
        ],
      }),
      [],
      agent,
    );
  const body: Json = {
    model: 'registry.ollama.ai/library/llama3:8b-instruct-q4_K_M',
    user: "Zoé O'Brien <zoe@example.org>",
    metadata: { page: 'http://localhost:3000/x', notes: 'first line\nsecond; "quoted"', path: '../docs/readme.md' },
    tools: [{ type: 'function', function: { name: 'get_weather', description: "x' OR 1=1 --", parameters: {} } }],
    tool_choice: 'auto',
    messages: [
      { role: 'system', content: 'You are ../../etc/passwd <script>' },
      {
        role: 'user',
        name: 'zoe',
        content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(9_000)}` } }],
      },
      { role: 'user', content: [{ type: 'image_url', image_url: 'https://upload.example.org/a/b.png?w=3&x=1' }] },
    ],
  };
  assert.deepEqual(waf.body(body), []);
});

test('createWaf() never looks at a prompt, whatever stands in it', () => {
  const waf = createWaf(loaded, all);
  const attack = `${loaded.rules.flatMap(({ examples }) => examples).join('\n')}`;
  for (const body of [
    { model: 'm', messages: [{ role: 'user', content: attack }] },
    {
      model: 'm',
      messages: [{ role: 'tool', content: attack, tool_calls: [{ function: { name: 'f', arguments: attack } }] }],
    },
    { model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: attack }] }] },
    { model: 'm', prompt: attack, suffix: attack, system: attack, input: attack, template: attack, stop: attack },
    { message: attack, password: attack },
  ])
    assert.deepEqual(waf.body(body), []);
});

for (const [where, body, place] of [
  ['model', { model: '../../x' }, 'name'],
  ['user', { user: 'a\r\nset-cookie: x' }, 'name'],
  ['metadata', { metadata: { a: [{ b: 'http://169.254.169.254/' }] } }, 'note'],
  ['a key of metadata', { metadata: { 'a\nb': '' } }, 'name'],
  ['a message’s name', { messages: [{ role: 'user', name: 'x\n', content: '' }] }, 'name'],
  ['an image', { messages: [{ content: [{ type: 'image_url', image_url: 'http://10.1.2.3/a.png' }] }] }, 'url'],
  ['an image object', { messages: [{ content: [{ image_url: { url: 'http://[::1]/a.png' } }] }] }, 'url'],
  ['an image without a scheme', { messages: [{ content: [{ image_url: '169.254.169.254/latest' }] }] }, 'url'],
  ['an image with a port and no scheme', { messages: [{ content: [{ image_url: 'localhost:8080/x' }] }] }, 'url'],
  ['a document', { messages: [{ content: [{ type: 'document_url', document_url: 'http://redis/x' }] }] }, 'url'],
  ['a tool’s name', { tools: [{ type: 'function', function: { name: 'a\nb' } }] }, 'name'],
  ['a called tool', { messages: [{ tool_calls: [{ id: 'x', function: { name: '../a' } }] }] }, 'name'],
  ['tool_choice', { tool_choice: { function: { name: 'a\nb' } } }, 'name'],
  ['a field nobody knows', { whatever: 'a\nb' }, 'name'],
] as [string, Json, WafPlace][])
  test(`createWaf() blocks an attack in ${where}`, () => {
    const [match] = createWaf(loaded, all).body(body);
    assert.deepEqual([match?.action, match?.place], ['block', place]);
  });

test('createWaf() tells of a rule once, however often a body repeats it, and hides no other behind it', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, '<script>']));
  const found = createWaf(loaded, all).body({ metadata: { ...many, last: 'http://169.254.169.254/' } });
  assert.deepEqual(
    found.map(({ rule, action }) => `${rule} ${action}`),
    ['xss-tag detect', 'ssrf-metadata block'],
  );
});

test('createWaf() does what the settings say: for all, for a category, for a rule, for a host', () => {
  const attack = { url: '/v1/%2e%2e/x?q=%3Cscript%3E', rawHeaders: [] };
  const actions = (given: object) =>
    createWaf(loaded, wafSchema.parse(given))
      .head(attack)
      .map(({ rule, action }) => `${rule} ${action}`);
  assert.deepEqual(actions({}), ['traversal-dots block', 'xss-tag detect']);
  assert.deepEqual(actions({ mode: 'detect' }), ['traversal-dots detect', 'xss-tag detect']);
  assert.deepEqual(actions({ mode: 'off' }), []);
  assert.deepEqual(actions({ traversal: 'off', xss: 'block' }), ['xss-tag block']);
  assert.deepEqual(actions({ rules: { 'traversal-dots': 'detect', 'xss-tag': 'off' } }), ['traversal-dots detect']);
  const image = (host: string) => ({ messages: [{ content: [{ image_url: `http://${host}/a.png` }] }] });
  const lenient = createWaf(loaded, wafSchema.parse({ allowedHosts: ['images.internal'] }));
  assert.deepEqual(lenient.body(image('images.internal')), []);
  assert.equal(lenient.body(image('other.internal')).length, 1);
});

test('createWaf() takes time in proportion to the text, for every rule and every kind of repetition', () => {
  const seeds = [
    "'",
    '"',
    '<',
    '%',
    '%25',
    '../',
    '${',
    '{{',
    ';',
    ' or ',
    'union ',
    '/*',
    '\r\n',
    'a',
    '//',
    'http://',
    '<svg ',
    '(',
    '. ',
    "' or ",
    '/etc/',
    ';drop ',
    '$(',
    '://',
    'on',
    '\\',
    '_url',
  ];
  const waf = createWaf(loaded, wafSchema.parse({ mode: 'detect' }));
  for (const seed of seeds) {
    const work = (length: number) => {
      const text = seed.repeat(length / seed.length);
      return () => {
        waf.head({ url: `/?${text}`, rawHeaders: ['x', text] });
        waf.body({ metadata: { a: text }, user: text, messages: [{ content: [{ image_url: text }] }] });
      };
    };
    assertGrowth({ what: JSON.stringify(seed), work, lengths: [8_000, 64_000], mostMs: 400, floorMs: 2 });
  }
});
