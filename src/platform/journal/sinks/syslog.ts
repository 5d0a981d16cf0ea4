// Journal records as syslog messages: RFC 5424 over TLS (RFC 5425) or TCP with octet counting (RFC 6587), or UDP (RFC 5426).
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';
import type { JournalRecord } from '../record.ts';
import { auditFields } from './audit-fields.ts';
import { type Sent, type Sink, SinkAway, whyOf } from './sink.ts';
import type { SinkSettings } from './sinks-config.ts';

export type SyslogSettings = Extract<SinkSettings, { kind: 'syslog' }>;

/** Above it a datagram is refused by the system, or cut on its way. */
const maxDatagram = 60_000;
/** How much is sent again after a connection broke: syslog acknowledges nothing, so what was under way may be lost. */
const repeated = 1_000;

export function openSyslog(settings: SyslogSettings): Sink {
  return settings.transport === 'udp' ? openUdp(settings) : openStream(settings);
}

function openStream(settings: SyslogSettings): Sink {
  let socket: Socket | undefined;
  let recent: JournalRecord[] = [];

  async function connected(signal: AbortSignal): Promise<Socket> {
    if (socket !== undefined && !socket.destroyed && socket.writable) return socket;
    const fresh = dial(settings);
    socket = fresh;
    fresh.on('error', () => fresh.destroy());
    // Nothing is ever said to us; without a reader the end of the other side would go unnoticed.
    fresh.on('end', () => fresh.destroy());
    fresh.resume();
    fresh.unref();
    try {
      await once(fresh, settings.transport === 'tls' ? 'secureConnect' : 'connect', {
        signal: AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)]),
      });
    } catch (error) {
      fresh.destroy();
      throw new SinkAway(whyOf(error), undefined, error);
    }
    if (recent.length > 0) await write(fresh, recent, signal);
    return fresh;
  }

  async function write(to: Socket, records: readonly JournalRecord[], signal: AbortSignal): Promise<void> {
    const frames = records.map((record) => {
      const message = messageOf(record, settings);
      return `${Buffer.byteLength(message)} ${message}`;
    });
    const gone = Promise.withResolvers<never>();
    const end = (why: string) => () => gone.reject(new SinkAway(why));
    const closed = end('closed');
    to.once('close', closed);
    const late = setTimeout(end('ETIMEDOUT'), settings.timeoutMs);
    signal.addEventListener('abort', closed, { once: true });
    try {
      await Promise.race([
        new Promise<void>((resolve, reject) =>
          to.write(frames.join(''), (error) => (error ? reject(error) : resolve())),
        ),
        gone.promise,
      ]);
    } catch (error) {
      to.destroy();
      throw new SinkAway(whyOf(error), undefined, error);
    } finally {
      clearTimeout(late);
      to.off('close', closed);
      signal.removeEventListener('abort', closed);
    }
  }

  return {
    async send(records, signal) {
      const to = await connected(signal);
      await write(to, records, signal);
      recent = [...recent, ...records].slice(-repeated);
      return { kind: 'taken' };
    },
    async close() {
      if (socket === undefined || socket.destroyed) return;
      const ended = once(socket, 'close');
      socket.end();
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 500).unref())]);
      socket.destroy();
    },
  };
}

function dial({ transport, host, port, ca }: SyslogSettings): Socket {
  if (transport === 'tcp') return connectTcp({ host, port: port ?? 601 });
  return connectTls({
    host,
    port: port ?? 6_514,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
}

function openUdp(settings: SyslogSettings): Sink {
  const socket = createSocket(isIP(settings.host) === 6 ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  socket.unref();
  return {
    async send(records): Promise<Sent> {
      const refused: { record: JournalRecord; why: string }[] = [];
      for (const record of records) {
        const bytes = Buffer.from(messageOf(record, settings));
        if (bytes.length > maxDatagram) refused.push({ record, why: 'EMSGSIZE' });
        else
          await new Promise<void>((resolve, reject) =>
            socket.send(bytes, settings.port ?? 514, settings.host, (error) =>
              error === null ? resolve() : reject(new SinkAway(whyOf(error), undefined, error)),
            ),
          );
      }
      return { kind: 'taken', refused };
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** OCSF's severities as syslog's: fatal and critical, high, medium, low and informational. */
const levels: Readonly<Record<number, number>> = { 6: 1, 5: 2, 4: 3, 3: 4, 2: 5, 1: 6 };

/** No structured data: its names would need a number of ours at IANA. The record itself, as JSON, is the message. */
function messageOf(record: JournalRecord, { facility, appName }: SyslogSettings): string {
  const { severity_id } = record.event as { severity_id?: number };
  const priority = facility * 8 + (levels[severity_id ?? 1] ?? 6);
  const kind = auditFields(record).event_type.slice(0, 32);
  const host =
    hostname()
      .replace(/[^\x21-\x7e]/g, '')
      .slice(0, 255) || '-';
  const time = new Date(record.time).toISOString();
  return `<${priority}>1 ${time} ${host} ${appName} ${process.pid} ${kind} - \ufeff${JSON.stringify(record)}`;
}
