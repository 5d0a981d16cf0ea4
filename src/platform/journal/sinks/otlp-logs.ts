// Journal records as OpenTelemetry logs: OTLP over HTTP in JSON (opentelemetry-proto 1.x, ExportLogsServiceRequest).
import type { JournalRecord } from '../record.ts';
import { auditFields } from './audit-fields.ts';
import { post } from './http.ts';
import type { Sink } from './sink.ts';
import type { SinkSettings } from './sinks-config.ts';

export type OtlpSettings = Extract<SinkSettings, { kind: 'otlp' }>;

export function openOtlpLogs(settings: OtlpSettings, now: () => number): Sink {
  const url = withPath(settings.url, '/v1/logs');
  return {
    async send(records, signal) {
      const body = JSON.stringify(requestOf(records));
      const sent = await post({ url, headers: settings.headers, body, timeoutMs: settings.timeoutMs, signal, now });
      // "Partial success" must not be repeated, and does not say which: the count alone is known.
      const rejected = sent.kind === 'taken' ? rejectedOf(sent.text) : 0;
      if (rejected === 0) return sent;
      return records.length === 1 && records[0] !== undefined
        ? { kind: 'taken', refused: [{ record: records[0], why: 'rejected' }] }
        : { kind: 'refused', why: 'rejected' };
    },
    close: async () => undefined,
  };
}

/** An address without a path of its own gets the one that the protocol names. */
export function withPath(given: string, path: string): string {
  const url = new URL(given);
  if (url.pathname === '/' || url.pathname === '') url.pathname = path;
  return url.href;
}

function rejectedOf(text: string | undefined): number {
  try {
    const { partialSuccess } = JSON.parse(text ?? '{}') as { partialSuccess?: { rejectedLogRecords?: unknown } };
    return Number(partialSuccess?.rejectedLogRecords ?? 0) || 0;
  } catch {
    return 0;
  }
}

function requestOf(records: readonly JournalRecord[]) {
  return {
    resourceLogs: [
      {
        resource: { attributes: [text('service.name', 'rempart')] },
        scopeLogs: [{ scope: { name: 'rempart.journal' }, logRecords: records.map(logRecord) }],
      },
    ],
  };
}

/** OCSF's severities as the numbers of the logs data model. */
const numbers: Readonly<Record<number, readonly [number, string]>> = {
  1: [9, 'INFO'],
  2: [10, 'INFO2'],
  3: [13, 'WARN'],
  4: [17, 'ERROR'],
  5: [21, 'FATAL'],
  6: [24, 'FATAL4'],
};

function logRecord(record: JournalRecord) {
  const { event, time, stream, seq, hash } = record;
  const { severity_id = 1 } = event as { severity_id?: number };
  const [severityNumber, severityText] = numbers[severity_id] ?? [9, 'INFO'];
  const fields = auditFields(record);
  return {
    timeUnixNano: `${time}000000`,
    observedTimeUnixNano: `${time}000000`,
    severityNumber,
    severityText,
    eventName: `rempart.${fields.event_type}`,
    body: { stringValue: JSON.stringify(event) },
    attributes: [
      text('rempart.journal.stream', stream),
      { key: 'rempart.journal.seq', value: { intValue: String(seq) } },
      text('rempart.journal.hash', hash),
      ...Object.entries(fields).flatMap(([key, value]) => attribute(`rempart.audit.${key}`, value)),
    ],
  };
}

function attribute(key: string, value: string | number | boolean | null): object[] {
  if (value === null) return [];
  if (typeof value === 'boolean') return [{ key, value: { boolValue: value } }];
  if (typeof value === 'number') return [{ key, value: { intValue: String(Math.round(value)) } }];
  return [text(key, value)];
}

function text(key: string, value: string) {
  return { key, value: { stringValue: value } };
}
