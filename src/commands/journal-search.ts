// `rempart journal search`: records by words, fields and time, from the index and what it does not hold yet.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../config.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { JournalRecord } from '../platform/journal/record.ts';
import { type JournalQuery, searchJournal } from '../platform/journal/sinks/search.ts';
import { searchPlace } from '../platform/journal/sinks/start-sinks.ts';
import { isPseudonym } from '../protect/erasure/pseudonym.ts';
import { type CommandInput, usageError, wholeNumber } from './command.ts';
import { type KnownNames, knownNames } from './known-names.ts';

const durations: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export async function search(input: CommandInput, summary: (record: JournalRecord) => string): Promise<number> {
  if (!existsSync(join(input.data, 'journal')))
    throw new RempartError('ERR_JOURNAL_MISSING', { dir: join(input.data, 'journal') });
  const query = queryOf(input);
  const { store } = loadConfig({ file: input.configFile, asked: input.configAsked, env: input.env });
  const location = store.url === undefined ? { path: store.path ?? '' } : { url: store.url };
  const place = searchPlace(input.data, location);
  const names = knownNames(input.data);
  const { index, readFromFiles, ...found } = await searchJournal(place, query);
  const meant = withPseudonyms(query, names);
  const more = meant === undefined ? [] : (await searchJournal(place, meant)).records;
  const records = [...found.records, ...more].toSorted((a, b) => a.time - b.time || a.seq - b.seq).slice(-query.limit);
  if (input.json) {
    const document = { schema: 'rempart/journal-records@1', records, index, readFromFiles };
    input.stdout.write(`${JSON.stringify(document)}\n`);
    return 0;
  }
  for (const record of records) input.stdout.write(`${names.named(summary(record))}\n`);
  if (records.length === 0) input.stderr.write(`${input.say('journal.search.nothing')}\n`);
  if (index === 'away') input.stderr.write(`${input.say('journal.search.away')}\n`);
  if (records.length === query.limit)
    input.stderr.write(`${input.say('journal.search.more', { count: records.length })}\n`);
  return 0;
}

/** Where a subject's name may stand; since it was replaced, its pseudonym stands there. */
const nameFields = ['user_id', 'actor.user.name', 'user.name', 'unmapped.subject'];

/** The same question about the pseudonyms of the names in it; undefined when there are none. */
function withPseudonyms(query: JournalQuery, { pseudonymOf }: KnownNames): JournalQuery | undefined {
  if (pseudonymOf === undefined || !query.fields.some(({ name }) => nameFields.includes(name))) return undefined;
  const fields = query.fields.map(({ name, value }) =>
    nameFields.includes(name) && !isPseudonym(value) ? { name, value: pseudonymOf(value) } : { name, value },
  );
  return fields.every(({ value }, index) => value === query.fields[index]?.value) ? undefined : { ...query, fields };
}

function queryOf(input: CommandInput): JournalQuery {
  const asked = input.args.slice(1);
  const fields = asked.flatMap((one) => {
    const [, name, value] = /^([a-z_][\w.]*)=(.*)$/i.exec(one) ?? [];
    return name === undefined || value === undefined ? [] : [{ name, value }];
  });
  const since = instant(input, 'since');
  const until = instant(input, 'until');
  return {
    texts: asked.filter((one) => !/^[a-z_][\w.]*=/i.test(one)),
    fields,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    limit: wholeNumber(input, 'journal', 'lines', { min: 1, max: 10_000 }) ?? 50,
  };
}

/** A date or instant of ISO 8601, or how long ago: 90s, 30m, 12h, 7d. */
function instant(input: CommandInput, option: 'since' | 'until'): number | undefined {
  const given = input.options[option];
  if (given === undefined) return undefined;
  const text = String(given).trim();
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ago = Number(count) * (durations[unit] ?? Number.NaN);
  const at = count === undefined ? (/^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN) : Date.now() - ago;
  if (Number.isFinite(at)) return at;
  throw usageError(input, 'journal', 'journal.usage.instant', { flag: `--${option}`, given: text });
}
