// A telephone: a service that calls when there is one; else the number is a thing to do by hand, shown with the incident.
import { noticeText } from '../notice-text.ts';
import type { NotifySettings } from '../notify-config.ts';
import type { Channel } from './channel.ts';
import { post } from './post.ts';

export function openPhone(settings: NotifySettings['phone'], now: () => number): Channel {
  return {
    async send({ id, address, notice }, signal) {
      if (settings === undefined) return { kind: 'shown' };
      const { subject, opening, demand } = noticeText(notice);
      const body = JSON.stringify({
        schema: 'rempart/call@1',
        phone: address,
        lang: notice.lang,
        // What a voice can read out.
        say: [subject.replace(/[[\]]/g, ''), opening, demand].filter((line) => line !== null).join(' '),
        incident: notice.incident.id,
      });
      const { webhook: url, secret, timeoutMs } = settings;
      return post({ id, url, body, secret, timeoutMs, signal, now });
    },
    byHand: settings === undefined,
    reaches: () => true,
    close: () => undefined,
  };
}
