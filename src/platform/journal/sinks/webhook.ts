// Journal records to a webhook, signed as Standard Webhooks 1.0 has it: HMAC-SHA256 over id, time and body.
import { createHmac } from 'node:crypto';
import { post } from './http.ts';
import type { Sink } from './sink.ts';
import type { SinkSettings } from './sinks-config.ts';

export type WebhookSettings = Extract<SinkSettings, { kind: 'webhook' }>;

export function openWebhook(settings: WebhookSettings, now: () => number): Sink {
  const { url, timeoutMs } = settings;
  return {
    async send(records, signal) {
      const body = JSON.stringify({ schema: 'rempart/journal-delivery@1', records });
      // The same records have the same id, however often they are sent.
      const id = `msg_${records[0]?.hash.slice(0, 32)}_${records.length}`;
      const time = String(Math.floor(now() / 1_000));
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': time,
        'webhook-signature': `v1,${sign(settings.secret, `${id}.${time}.${body}`)}`,
      };
      return post({ url, headers, body, timeoutMs, signal, now });
    },
    close: async () => undefined,
  };
}

/** A secret that begins with `whsec_` is base64, as that standard writes it; any other is taken as it is. */
export function sign(secret: string, content: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return createHmac('sha256', key).update(content).digest('base64');
}
