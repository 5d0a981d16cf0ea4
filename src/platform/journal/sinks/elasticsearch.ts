// Journal records into Elasticsearch: one index a month, each record once by its hash, through the official client's bulk API.
import { Client, errors, HttpConnection } from '@elastic/elasticsearch';
import type { JournalRecord } from '../record.ts';
import { auditFields } from './audit-fields.ts';
import { retryAfterMs, type Sent, type Sink, SinkAway, whyOf } from './sink.ts';
import type { SinkSettings } from './sinks-config.ts';

export type ElasticsearchSettings = Extract<SinkSettings, { kind: 'elasticsearch' }>;

/** The part of a bulk reply that is read; `create` answers 409 for what is there already. */
interface BulkReply {
  errors: boolean;
  items: { create?: { status: number; error?: { type?: string } } }[];
}

export function openElasticsearch(settings: ElasticsearchSettings, now: () => number): Sink {
  const { prefix } = settings;
  const client = new Client({
    node: settings.url,
    maxRetries: 0,
    requestTimeout: settings.timeoutMs,
    Connection: HttpConnection,
    ...authOf(settings),
    ...(settings.ca === undefined ? {} : { tls: { ca: settings.ca } }),
  });
  let prepared = false;

  async function prepare(signal: AbortSignal): Promise<void> {
    if (prepared) return;
    await client.indices.putIndexTemplate({ name: prefix, ...template(prefix) }, { signal });
    prepared = true;
  }

  return {
    async send(records, signal) {
      try {
        await prepare(signal);
        const operations = records.flatMap((record) => [
          { create: { _index: indexOf(prefix, record), _id: record.hash } },
          documentOf(record),
        ]);
        const reply = (await client.bulk({ operations }, { signal })) as BulkReply;
        return read(records, reply);
      } catch (error) {
        throw awayOf(error, now());
      }
    },
    close: () => client.close(),
  };
}

function authOf({ apiKey, username, password }: ElasticsearchSettings) {
  if (apiKey !== undefined) return { auth: { apiKey } };
  if (username !== undefined && password !== undefined) return { auth: { username, password } };
  return {};
}

/** By the record's own time, so that one sent again goes where it went before. */
function indexOf(prefix: string, { time }: JournalRecord): string {
  const at = new Date(time);
  return `${prefix}-${at.getUTCFullYear()}.${String(at.getUTCMonth() + 1).padStart(2, '0')}`;
}

function documentOf(record: JournalRecord) {
  const { stream, seq, hash, event, time } = record;
  return {
    '@timestamp': new Date(time).toISOString(),
    ...auditFields(record),
    ocsf: event,
    journal: { stream, seq, hash },
  };
}

/** What is busy or failing is sent once more; what is wrong for ever is set aside. */
function read(records: readonly JournalRecord[], { errors: hasErrors, items }: BulkReply): Sent {
  if (!hasErrors) return { kind: 'taken' };
  const again: JournalRecord[] = [];
  const refused: { record: JournalRecord; why: string }[] = [];
  for (const [index, record] of records.entries()) {
    const { status = 500, error } = items[index]?.create ?? {};
    if (status < 300 || status === 409) continue;
    if (status === 429 || status >= 500) again.push(record);
    else if (status === 401 || status === 403 || status === 404) throw new SinkAway(String(status));
    else refused.push({ record, why: `${status} ${wordOf(error?.type)}`.trim() });
  }
  return { kind: 'taken', again, refused };
}

/** The type of an error is a word of Elasticsearch's; its reason may quote the document, and is left out. */
function wordOf(type: string | undefined): string {
  return type !== undefined && /^[a-z_]{1,60}$/.test(type) ? type : '';
}

function awayOf(error: unknown, now: number): SinkAway {
  if (error instanceof SinkAway) return error;
  if (error instanceof errors.ResponseError) {
    const { statusCode = 0, headers } = error;
    return new SinkAway(String(statusCode), retryAfterMs(headers?.['retry-after']?.toString(), now), error);
  }
  return new SinkAway(whyOf(error), undefined, error);
}

/** The mapping of the audit fields; the OCSF event is one flattened field, so that no new field of it can be refused. */
function template(prefix: string) {
  const keyword = { type: 'keyword' as const, ignore_above: 1_024 };
  return {
    index_patterns: [`${prefix}-*`],
    priority: 200,
    template: {
      mappings: {
        dynamic: false as const,
        properties: {
          '@timestamp': { type: 'date' as const },
          timestamp: { type: 'date' as const },
          event_type: keyword,
          user_id: keyword,
          source_ip: { type: 'ip' as const, ignore_malformed: true },
          model_used: keyword,
          endpoint: keyword,
          prompt_hash: keyword,
          response_size: { type: 'long' as const },
          processing_time: { type: 'long' as const },
          success: { type: 'boolean' as const },
          ocsf: { type: 'flattened' as const, ignore_above: 8_000 },
          journal: { properties: { stream: keyword, seq: { type: 'long' as const }, hash: keyword } },
        },
      },
    },
  };
}
