// The filter of an answer's events: each choice's text, thought and tool arguments apart, whatever the pieces and however they are mixed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReplyEvent } from '../src/protect/gateway/dialects/dialect.ts';
import { createAnswerFilter } from '../src/protect/gateway/filter.ts';
import { screenAnswer } from '../src/protect/screening/answers.ts';

const settings = {
  policy: { secret: 'mask', 'personal-data': 'mask', internal: 'mask', 'system-prompt': 'pass' },
} as const;
const key = `ghp_${'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2'}`;
const part = fc.constantFrom(
  'plain words ',
  key,
  ' marie.durand@free.fr ',
  ' 06 12 84 56 78 ',
  '{"a":"',
  '"}',
  ' ',
  'token is ',
  'ghp_',
  '\n',
  'AB 12 ',
);
const text = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
const channels = ['0 text', '0 thinking', '0 tool 0', '0 tool 1', '1 text', '1 tool 0'] as const;

function eventOf(channel: string, piece: string): ReplyEvent {
  const [index = '0', what, tool] = channel.split(' ');
  const delta = { kind: 'delta' as const, index: Number(index) };
  if (what === 'tool') return { ...delta, toolCalls: [{ index: Number(tool), function: { arguments: piece } }] };
  return what === 'text' ? { ...delta, text: piece } : { ...delta, thinking: piece };
}

test('createAnswerFilter() lets out of each choice, thought and tool call what screenAnswer() lets out of its whole, for every mixing and chunking', () => {
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 6, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 9 })), { maxLength: 60 }),
      (texts, turns) => {
        const filter = createAnswerFilter(settings, false);
        const out = new Map<string, string>();
        const note = (events: readonly ReplyEvent[]) => {
          for (const event of events) {
            if (event.kind !== 'delta') continue;
            const add = (name: string, more: string) =>
              out.set(`${event.index} ${name}`, (out.get(`${event.index} ${name}`) ?? '') + more);
            add('text', event.text ?? '');
            add('thinking', event.thinking ?? '');
            for (const call of (event.toolCalls ?? []) as { index: number; function: { arguments: string } }[])
              add(`tool ${call.index}`, call.function.arguments);
          }
        };
        const left = [...texts];
        const push = (at: number, size: number) => {
          const piece = left[at]!.slice(0, size);
          left[at] = left[at]!.slice(size);
          if (piece !== '') note(filter.take(eventOf(channels[at]!, piece)));
        };
        for (const [at, size] of turns) push(at, size);
        for (const at of channels.keys()) push(at, Number.POSITIVE_INFINITY);
        for (const index of [0, 1]) note(filter.take({ kind: 'finish', index, reason: 'stop' }));
        note(filter.end());
        for (const [at, channel] of channels.entries())
          assert.equal(out.get(channel) ?? '', screenAnswer(texts[at]!, settings).text, channel);
        assert.ok(![...out.values()].some((shown) => shown.includes(key)));
      },
    ),
    { numRuns: 400 },
  );
});

test('createAnswerFilter() lets a name or id of a tool call out in one piece, wherever it was cut and whatever it is', () => {
  type Call = { index: number; id?: string; function: { name?: string; arguments: string } };
  const said = (pieces: readonly Call[]): Call[] => {
    const filter = createAnswerFilter(settings, false);
    const events = [
      ...pieces.flatMap((call) => filter.take({ kind: 'delta', index: 0, toolCalls: [call] })),
      ...filter.take({ kind: 'finish', index: 0, reason: 'tool_calls' }),
    ];
    return events.flatMap((event) => (event.kind === 'delta' ? ((event.toolCalls ?? []) as Call[]) : []));
  };
  fc.assert(
    fc.property(fc.constantFrom('id', 'name'), fc.integer({ min: 1, max: 50 }), fc.boolean(), (part, size, calls) => {
      const pieces = (calls ? key : 'look_up_the_weather').match(new RegExp(`.{1,${size}}`, 'g'))!;
      const shown = said([
        ...pieces.map((piece) =>
          part === 'id'
            ? { index: 0, id: piece, function: { arguments: '' } }
            : { index: 0, function: { name: piece, arguments: '' } },
        ),
        { index: 0, function: { arguments: '{}' } },
      ]);
      const parts = shown.flatMap((call) => (part === 'id' ? call.id : call.function.name) ?? []);
      assert.deepEqual(parts, [calls ? '[masked: secret]' : 'look_up_the_weather']);
    }),
  );
  const begun = (index: number, name: string) => ({ index, id: `c${index}`, function: { name, arguments: '' } });
  assert.deepEqual(
    said([begun(0, 'first'), begun(1, 'second'), { index: 1, function: { arguments: '{}' } }]).map(
      ({ index, id, function: { name } }) => [index, id, name],
    ),
    [
      [0, 'c0', 'first'],
      [1, 'c1', 'second'],
      [1, undefined, undefined],
    ],
    'each in its turn, also one without arguments',
  );
});
