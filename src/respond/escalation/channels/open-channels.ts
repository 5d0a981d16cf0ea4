// Opens the channels that the configuration has.
import type { NotifySettings } from '../notify-config.ts';
import type { Channels } from './channel.ts';
import { openMail } from './mail.ts';
import { openPhone } from './phone.ts';
import { openSlack } from './slack.ts';
import { openContactWebhook } from './webhook.ts';

export function openChannels({ smtp, slack, webhook, phone }: NotifySettings, now: () => number): Channels {
  return {
    ...(smtp === undefined ? {} : { mail: openMail(smtp) }),
    ...(slack === undefined ? {} : { slack: openSlack(slack, now) }),
    ...(webhook === undefined ? {} : { webhook: openContactWebhook(webhook, now) }),
    // Without a service that calls, people do.
    phone: openPhone(phone, now),
  };
}
