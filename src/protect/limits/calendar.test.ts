// Windows of the calendar where clocks change: days of 23 and 25 hours, an hour that is shown twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCalendar } from './calendar.ts';

const at = (text: string) => Date.parse(text);
const shown = ({ from, to }: { from: number; to: number }) =>
  [from, to].map((time) => new Date(time).toISOString().slice(0, 16));

test('createCalendar() gives the days of Paris on which clocks change 23 and 25 hours', () => {
  const calendar = createCalendar('Europe/Paris');
  const spring = calendar('day', at('2026-03-29T12:00:00Z'));
  assert.deepEqual(shown(spring), ['2026-03-28T23:00', '2026-03-29T22:00']);
  const autumn = calendar('day', at('2026-10-25T12:00:00Z'));
  assert.deepEqual(shown(autumn), ['2026-10-24T22:00', '2026-10-25T23:00']);
  assert.equal(calendar('day', autumn.to).ordinal, autumn.ordinal + 1);
});

test('createCalendar() begins a month at midnight of the zone, on either side of a change', () => {
  const october = createCalendar('Europe/Paris')('month', at('2026-10-10T00:00:00Z'));
  assert.deepEqual(shown(october), ['2026-09-30T22:00', '2026-10-31T23:00']);
});

test('createCalendar() counts an hour that is shown twice as two', () => {
  const calendar = createCalendar('Europe/Paris');
  const first = calendar('hour', at('2026-10-25T00:30:00Z'));
  const second = calendar('hour', at('2026-10-25T01:30:00Z'));
  assert.equal(first.to, second.from);
  assert.ok(second.ordinal > first.ordinal);
});
