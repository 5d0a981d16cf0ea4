// The stream parsers give the same events for every way of cutting the bytes, and no more than the bytes hold.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RempartError } from '../base/errors.ts';
import { createNdjsonParser, formatNdjson } from './ndjson.ts';
import { createSseParser, formatSse, type SseEvent, type StreamParser } from './sse.ts';

function feed<T>(
  make: (on: (item: T) => void) => StreamParser,
  bytes: Uint8Array,
  cuts: readonly number[],
): { items: T[]; clean: boolean } {
  const items: T[] = [];
  const parser = make((item) => items.push(item));
  let from = 0;
  for (const cut of [...cuts].map((c) => c % (bytes.length + 1)).sort((a, b) => a - b)) {
    parser.push(bytes.subarray(from, cut));
    from = cut;
  }
  parser.push(bytes.subarray(from));
  return { items, clean: parser.end().clean };
}
const sse = (text: string | Uint8Array, cuts: readonly number[] = []) =>
  feed<SseEvent>(createSseParser, typeof text === 'string' ? Buffer.from(text) : text, cuts);
const ndjson = (text: string, cuts: readonly number[] = []) =>
  feed<string>(createNdjsonParser, Buffer.from(text), cuts);
const everyByte = (text: string) => Array.from(Buffer.from(text), (_, at) => at);

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const streamText = fc
  .array(
    fc.tuple(
      fc.constantFrom('data: ', 'data:', 'event: ', ': comment ', 'id: 1', 'data', '', '', 'retry: 3'),
      fc.string({ unit: fc.constantFrom('a', 'é', '😀', ':', ' ', '{', '\uFEFF', '漢'), maxLength: 6 }),
      lineEnd,
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.map((part) => part.join('')).join(''));

test('createSseParser() gives the same events for every chunking', () => {
  fc.assert(
    fc.property(streamText, fc.array(fc.nat(), { maxLength: 12 }), (text, cuts) => {
      const whole = sse(text);
      assert.deepEqual(sse(text, cuts), whole);
      assert.deepEqual(sse(text, everyByte(text)), whole);
    }),
    { numRuns: 400 },
  );
});

test('createSseParser() gives the same events for the three line ends', () => {
  const text = 'event: delta\ndata: {"a":1}\n\n: keep-alive\n\ndata: un\ndata: deux\n\ndata: [DONE]\n\n';
  const expected = [{ event: 'delta', data: '{"a":1}' }, { data: 'un\ndeux' }, { data: '[DONE]' }];
  for (const end of ['\n', '\r\n', '\r']) {
    const bytes = text.replaceAll('\n', end);
    assert.deepEqual(sse(bytes, everyByte(bytes)), { items: expected, clean: true });
  }
});

test('formatSse() is read back as it was given', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.option(fc.constantFrom('delta', 'error')), (text, name) => {
      const data = text.replace(/\r\n?/g, '\n');
      const bytes = formatSse(data, name ?? undefined);
      assert.deepEqual(sse(bytes).items, [name === null ? { data } : { event: name, data }]);
    }),
  );
});

test('createSseParser() drops an event without its blank line and says that the end was not clean', () => {
  for (const text of ['data: whole\n\ndata: half', 'data: whole\n\ndata: half\n', 'data: whole\n\nevent: x\n'])
    assert.deepEqual(sse(text), { items: [{ data: 'whole' }], clean: false }, text);
});

test('createSseParser() tells at the end what it dropped', () => {
  for (const [text, dropped] of [
    ['data: a\n\ndata: [DONE]', '[DONE]'],
    ['data: a\n\ndata: [DONE]\n', '[DONE]'],
    ['data: a\n\n', undefined],
  ] as const) {
    const parser = createSseParser(() => {});
    parser.push(Buffer.from(text));
    assert.equal(parser.end().dropped, dropped, text);
  }
});

test('createSseParser() takes one space after the colon away, and no more', () => {
  assert.deepEqual(sse('data:  two\n\ndata:none\n\ndata\n\n').items, [
    { data: ' two' },
    { data: 'none' },
    { data: '' },
  ]);
});

test('createSseParser() skips a byte order mark at the start only', () => {
  assert.deepEqual(sse('\uFEFFdata: \uFEFFa\n\n').items, [{ data: '\uFEFFa' }]);
});

test('createSseParser() refuses an event over its limit, in one line or in many, at any chunking', () => {
  for (const text of [`data: ${'x'.repeat(100)}\n\n`, 'data: xxxxxxxxx\n'.repeat(8), `data: ${'x'.repeat(100)}`]) {
    for (const cuts of [[], everyByte(text)]) {
      const make = (on: (event: SseEvent) => void) => createSseParser(on, { maxLength: 64 });
      assert.throws(() => feed(make, Buffer.from(text), cuts), isTooLarge);
    }
  }
});

test('createSseParser() counts its limit anew for each event', () => {
  const make = (on: (event: SseEvent) => void) => createSseParser(on, { maxLength: 20 });
  assert.equal(feed(make, Buffer.from('data: 12345678\n\n'.repeat(50)), []).items.length, 50);
});

test('createNdjsonParser() gives the same lines for every chunking', () => {
  const value = fc.record({ response: fc.string({ unit: 'grapheme' }), done: fc.boolean() });
  fc.assert(
    fc.property(fc.array(value, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (values, cuts) => {
      const text = values.map((v) => formatNdjson(v)).join('');
      const read = ndjson(text, cuts);
      assert.deepEqual(read, { items: values.map((v) => JSON.stringify(v)), clean: true });
      assert.deepEqual(ndjson(text, everyByte(text)), read);
    }),
  );
});

test('createNdjsonParser() takes CRLF and blank lines, and a last line that is whole without its end', () => {
  assert.deepEqual(ndjson('{"a":1}\r\n\r\n\n{"b":2}'), { items: ['{"a":1}', '{"b":2}'], clean: true });
});

test('createNdjsonParser() drops a last line that was cut', () => {
  const whole = '{"a":{"b":12}}';
  for (let at = 1; at < whole.length; at++)
    assert.deepEqual(ndjson(whole.slice(0, at)), { items: [], clean: false }, `cut at ${at}`);
});

test('createNdjsonParser() refuses a line over its limit before its end came', () => {
  const make = (on: (line: string) => void) => createNdjsonParser(on, { maxLength: 16 });
  assert.throws(() => feed(make, Buffer.from('{"a":"xxxxxxxxxxxxxxxxx'), []), isTooLarge);
});

function isTooLarge(error: unknown): boolean {
  return error instanceof RempartError && error.code === 'ERR_STREAM_EVENT_TOO_LARGE';
}
