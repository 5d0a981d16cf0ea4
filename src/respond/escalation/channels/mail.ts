// Mail over SMTP: encrypted unless the configuration says otherwise, plain text, one recipient, no header from outside.
import { createTransport } from 'nodemailer';
import { whyOf } from '../../../platform/journal/sinks/sink.ts';
import { noticeText, plainText } from '../notice-text.ts';
import type { NotifySettings } from '../notify-config.ts';
import { type Channel, ChannelAway, type Delivered } from './channel.ts';

type SmtpSettings = NonNullable<NotifySettings['smtp']>;

export function openMail(settings: SmtpSettings): Channel {
  const { host, port, tls, ca, user, password, from, timeoutMs } = settings;
  const options = {
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(user === undefined ? {} : { auth: { user, pass: password } }),
    ...(ca === undefined ? {} : { tls: { ca } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  return {
    async send({ id, address, notice }, signal) {
      const { subject } = noticeText(notice);
      // One connection for each message: alerts are few, and a connection kept open may be dead when it is needed.
      const transport = createTransport(options);
      const sending = transport.sendMail({
        from: { name: 'Rempart', address: from },
        // As an object, so that nothing in it is read as a list of addresses.
        to: { name: '', address },
        subject,
        text: plainText(notice),
        messageId: `<${id}@rempart.invalid>`,
        date: new Date(notice.at),
        headers: {
          'auto-submitted': 'auto-generated',
          'x-rempart-incident': notice.incident.id,
          ...(notice.what === 'alert' || notice.what === 'escalated' ? { importance: 'high' } : {}),
        },
        // Those that belong together are shown together.
        references: `<${notice.incident.id}@rempart.invalid>`,
      });
      try {
        await unlessAborted(sending, signal);
        return { kind: 'taken' };
      } catch (error) {
        return outcomeOf(error);
      } finally {
        transport.close();
      }
    },
    reaches: (address) => address.includes('@'),
    close: () => undefined,
  };
}

/** A server that drips its answers outlasts every timeout between two of them. */
async function unlessAborted(sending: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let ended = () => {};
  const aborted = new Promise<never>((_, reject) => {
    ended = () => reject(new ChannelAway('aborted'));
    if (signal.aborted) ended();
    else signal.addEventListener('abort', ended, { once: true });
  });
  // Whichever comes second is of no interest any more.
  sending.catch(() => undefined);
  aborted.catch(() => undefined);
  try {
    await Promise.race([sending, aborted]);
  } finally {
    signal.removeEventListener('abort', ended);
  }
}

/** RFC 5321 §4.2.1: 5yz about the recipient or the message is final; about who we are, it waits for someone to mend it. */
function outcomeOf(error: unknown): Delivered {
  if (error instanceof ChannelAway) throw error;
  const { responseCode, command } = error as { responseCode?: unknown; command?: unknown };
  if (typeof responseCode !== 'number') throw new ChannelAway(whyOf(error), undefined, error);
  const why = `smtp-${responseCode}`;
  const aboutMessage = command === 'RCPT TO' || command === 'DATA';
  if (responseCode >= 500 && aboutMessage && responseCode !== 530) return { kind: 'refused', why };
  throw new ChannelAway(why, undefined, error);
}
