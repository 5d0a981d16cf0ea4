// The stream filter: whatever the pieces, the same text comes out as from the whole, and nothing that a rule forbids goes out before it is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { drawExample } from '../src/platform/inspection/draw-example.ts';
import { loadSecretRules } from '../src/platform/inspection/secret-rules.ts';
import { type AnswerSettings, screenAnswer } from '../src/protect/screening/answers.ts';
import { createPromptEcho } from '../src/protect/screening/answers-echo.ts';
import { createStreamFilter } from '../src/protect/screening/answers-stream.ts';
import type { Action } from '../src/protect/screening/policy.ts';

const prompt =
  'You are the assistant of the Durand bakery. Never tell the price of flour to a competitor, écrivez à chacun l’été et greet each customer by name.';
const echo = createPromptEcho(prompt)!;

function settingsOf(systemPrompt: Action): AnswerSettings {
  return {
    policy: { secret: 'mask', 'personal-data': 'mask', internal: 'mask', 'system-prompt': systemPrompt },
    echo,
  };
}

const { tokens, named } = loadSecretRules();
const examples = [...tokens, ...named].flatMap(({ examples }) => examples);
const secret = fc
  .tuple(fc.constantFrom(...examples), fc.integer({ min: 0, max: 1_000 }))
  .map(([example, seed]) => drawExample(example, seed));
const escaped = (text: string) => text.replace(/./g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
const veiled = fc
  .tuple(
    secret,
    fc.constantFrom<(text: string) => string>(
      escaped,
      (text) => [...text].join('\u200b'),
      (text) => [...text].join('\u{e0101}'),
      (text) => escaped(text.slice(0, 9)) + text.slice(9),
      (text) => text + text,
    ),
  )
  .map(([text, disguise]) => disguise(text));
const words = prompt.split(' ');
/** The same words as a reader sees them. */
const retellings: readonly ((words: readonly string[]) => string)[] = [
  (words) => words.join(' '),
  (words) => words.join(' ').normalize('NFD'),
  (words) => words.join(' ').normalize('NFD').replace(/\p{M}/gu, '').toUpperCase(),
  (words) => [...words.join(' ')].join('\u200b'),
  (words) => words.map((word, at) => `${at + 1}. ${word}`).join(' '),
];
const part = fc.oneof(
  { weight: 3, arbitrary: secret },
  { weight: 1, arbitrary: veiled },
  { weight: 3, arbitrary: fc.lorem({ maxCount: 6 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '06 12 84 56 78',
      'FR14 2004 1010 0505 0001 3M02 606',
      '4539 1488 0343 6467',
      'x@durand.fr',
      '2 69 05 49 588 157 80',
      '91.198.174.192',
      '2a00:1450:4007:80e::200e',
      '+44 20 7946 0958',
      '01\u202f42\u202f68\u202f53\u202f00',
      'FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0606',
      '12\u00a0',
      '::ffff:91.198.174.192',
      'fd12:3456:789a::1',
      '\\\\files\\hr\\pay.xlsx',
      '\n   at Acme.Pay.Run(String s) in C:\\src\\Pay.cs:line 42\n',
      "\n\tfrom pay.rb:44:in `run'\n",
      '\nCaused by: com.acme.PayException: no',
      'db1.internal:5432',
      '/home/marie/app.ts',
      'C:\\Users\\marie\\a.txt',
      '\n    at open (/app/src/db.js:12:5)\n',
      '\nTraceback (most recent call last):\n  File "/a.py", line 3, in run\n',
      'password: ',
      'aws_secret_access_key = "',
      'Bearer ',
      '-----BEGIN ',
      'données é',
      'é',
      'éc',
      '密码 ',
      '"',
      '\n',
      '12 34',
      'AB',
      '%20',
      '\\',
      '\\u',
      '&#',
      '\u200d',
      'token is ',
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat(words.length), fc.nat(12), fc.constantFrom(...retellings))
      .map(([at, count, retell]) => retell(words.slice(at, at + count))),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
);
const answer = fc
  .array(fc.tuple(part, fc.constantFrom(' ', '', '\n', ', ', '. ', ' = ')), { maxLength: 8 })
  .map((parts) => parts.flat().join(''));
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 });

function streamed(text: string, sizes: readonly number[], settings: AnswerSettings): string {
  const filter = createStreamFilter(settings);
  let out = '';
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    out += filter.push(text.slice(at, at + size));
    at += size;
  }
  return out + filter.end();
}

for (const action of ['mask', 'block'] as const)
  test(`createStreamFilter() lets out the same text for every chunking as screenAnswer() for the whole, system prompt set to ${action}`, () => {
    const settings = settingsOf(action);
    fc.assert(
      fc.property(answer, cuts, (text, sizes) => {
        assert.equal(streamed(text, sizes, settings), screenAnswer(text, settings).text);
      }),
      { numRuns: 2_500 },
    );
  });

test('screenAnswer() knows the instructions in other normal forms, without accents, with hidden signs or numbers between the words', () => {
  for (const retell of retellings)
    assert.equal(screenAnswer(`So: ${retell(words)}`, settingsOf('block')).kind, 'blocked', retell(words));
  assert.equal(screenAnswer('In 3 of 4 cases the price of flour is 12 or 13.', settingsOf('block')).kind, 'passed');
});

test('createStreamFilter() lets no part of a secret go, cut at any place', () => {
  const settings = settingsOf('block');
  for (const example of examples) {
    const text = `The value you asked for: ${drawExample(example, 7)} and that is all.`;
    const whole = screenAnswer(text, settings);
    assert.equal(whole.kind, 'masked', text);
    for (const sizes of [[1], [2], [3], [7], [16]]) assert.equal(streamed(text, sizes, settings), whole.text);
  }
});

test('createStreamFilter() lets no key go that stands behind escapes, between unseen characters, in a word or beside another', () => {
  const settings = settingsOf('block');
  const key = drawExample('ghp_{A:36}', 3);
  const other = drawExample('glpat-{A:20}', 4);
  const aws = drawExample('AKIA{x:16}', 5);
  const hidden = '[masked: secret]';
  for (const [text, shown] of [
    [`{"k":"${escaped(key)}"}`, `{"k":"${hidden}"}`],
    [`{"k":"${escaped(key).replaceAll('\\', '\\\\')}"}`, `{"k":"${hidden}"}`],
    [`key ${[...key].map((one) => `&#${one.charCodeAt(0)};`).join('')} end`, `key ${hidden} end`],
    [`key ${[...key].join('\u200b')} end`, `key ${hidden} end`],
    [`key ${[...key].join('\u00ad\ufe0f\u{e0041}')} end`, `key ${hidden} end`],
    [`key ${key}X end`, `key ${hidden}X end`],
    [`key is${key} end`, `key is${hidden} end`],
    [`keys ${key}${key} end`, `keys ${hidden}${hidden} end`],
    [`keys ${key}${other} end`, `keys ${hidden}${hidden} end`],
    [`keys ${aws}${aws} end`, `keys ${hidden}${hidden} end`],
  ] as const) {
    assert.equal(screenAnswer(text, settings).text, shown);
    for (const sizes of [[1], [2], [3], [5], [7], [16]]) assert.equal(streamed(text, sizes, settings), shown);
  }
});

test('createStreamFilter() holds back no more than the word that is being written, in ordinary prose', () => {
  const filter = createStreamFilter(settingsOf('block'));
  let most = 0;
  for (const char of 'La farine de blé se garde au sec, à l’abri de la lumière, pendant six mois environ.'.repeat(5)) {
    filter.push(char);
    most = Math.max(most, filter.heldBack());
  }
  assert.ok(most <= 24, `${most} characters were held back`);
});

test('createStreamFilter() has a bounded memory for a word without an end', () => {
  const filter = createStreamFilter(settingsOf('block'));
  let out = 0;
  for (let round = 0; round < 200; round++) {
    out += filter.push('abcdef0123456789'.repeat(16)).length;
    assert.ok(filter.heldBack() <= 8_192 + 256);
  }
  assert.equal(out + filter.end().length, 200 * 256);
});

test('createStreamFilter() says what ended an answer, and lets nothing follow', () => {
  const filter = createStreamFilter(settingsOf('block'));
  const out = filter.push(`Of course. My instructions: ${prompt} And more.`) + filter.end();
  // Three words of any run may be chance, and are let go.
  const [beginning] = /^(?:\S+ ){3}/.exec(prompt)!;
  assert.equal(out, `Of course. My instructions: ${beginning}`);
  assert.equal(filter.blocked(), 'system-prompt');
  assert.equal(filter.push('more'), '');
});

test('createStreamFilter() holds no word of an ordinary answer for longer than it takes to end, long lines and short words of the instructions too', () => {
  const words = `${'The tides follow the moon because its pull is stronger on the near side than on the far one '.repeat(12)}`;
  const frames = words.trim().split(' ');
  const filter = createStreamFilter({
    ...settingsOf('block'),
    echo: createPromptEcho('You answer questions about the sea and the moon in one or two sentences.')!,
  });
  const shown = frames.map((word, at) => filter.push(at === 0 ? word : ` ${word}`));
  assert.deepEqual(
    shown.slice(1),
    frames.slice(0, -1).map((word) => `${word} `),
  );
  for (const line of ['# A title', 'then it goes on', 'the end', 'go on', 'Try this', 'File it']) {
    const one = createStreamFilter(settingsOf('block'));
    one.push('Yes.\n');
    assert.equal(one.push(`${line} and more`).length > 0, true, line);
  }
});

test('screenAnswer() leaves what the caller said before, but no secret', () => {
  const key = drawExample('ghp_{A:36}', 1);
  const settings = { ...settingsOf('block'), isKnown: () => true };
  assert.equal(screenAnswer(`x@durand.fr ${key}`, settings).text, 'x@durand.fr [masked: secret]');
});
