// When service resumes, in words: soon in seconds, else by the clock of the zone, with the date where it is another day's.
import type { Phrase } from '../../platform/base/errors.ts';

export function createWhen(zone: string): (at: number, now: number) => Phrase {
  const day = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short' });
  const clock = new Intl.DateTimeFormat('sv', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return (at, now) => {
    const seconds = Math.ceil((at - now) / 1_000);
    if (seconds <= 90) return { key: 'limits.when.seconds', facts: { seconds } };
    const date = day.format(at);
    const facts = { time: clock.format(at), date, zone };
    return { key: date === day.format(now) ? 'limits.when.time' : 'limits.when.date', facts };
  };
}
