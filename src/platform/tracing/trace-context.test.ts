// traceparent and tracestate as W3C Trace Context has them, and all that only looks like them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newSpanId, newTraceId, readTraceContext, traceHeaders } from './trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

test('readTraceContext() reads ids and the sampled flag, and takes the state along', () => {
  assert.deepEqual(readTraceContext(`00-${traceId}-${spanId}-01`, 'a=1'), {
    ...{ traceId, spanId, isSampled: true },
    state: 'a=1',
  });
  assert.equal(readTraceContext(`00-${traceId}-${spanId}-02`, undefined)?.isSampled, false);
  assert.equal(readTraceContext(`cc-${traceId}-${spanId}-01-more`, undefined)?.traceId, traceId, 'a later version');
});

for (const given of [
  undefined,
  '',
  [`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`],
  `00-${traceId}-${spanId}`,
  `00-${traceId}-${spanId}-01-more`,
  `ff-${traceId}-${spanId}-01`,
  `00-${'0'.repeat(32)}-${spanId}-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `00-${traceId}-${spanId}-0g`,
])
  test(`readTraceContext() uses nothing of ${JSON.stringify(given)}`, () =>
    assert.equal(readTraceContext(given, 'a=1'), undefined));

test('readTraceContext() leaves out a state that is too long or no text', () => {
  for (const state of ['x'.repeat(600), 'a=\u0001'])
    assert.equal(readTraceContext(`00-${traceId}-${spanId}-01`, state)?.state, undefined);
});

test('traceHeaders() writes what readTraceContext() reads', () => {
  for (const isSampled of [true, false]) {
    const context = { traceId: newTraceId(), spanId: newSpanId(), isSampled, state: 'a=1' };
    const { traceparent, tracestate } = traceHeaders(context);
    assert.deepEqual(readTraceContext(traceparent, tracestate), context);
  }
});

test('newTraceId() and newSpanId() never repeat and are of the right length', () => {
  const ids = Array.from({ length: 2_000 }, (_, n) => (n % 2 === 0 ? newTraceId() : newSpanId()));
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id, n) => new RegExp(`^[0-9a-f]{${n % 2 === 0 ? 32 : 16}}$`).test(id)));
});
