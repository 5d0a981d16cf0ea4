// A contact's own webhook: the notice as JSON with its text, signed by HMAC-SHA256 over id, time and body.
import type { Notice } from '../notice.ts';
import { noticeText, plainText } from '../notice-text.ts';
import type { NotifySettings } from '../notify-config.ts';
import type { Channel } from './channel.ts';
import { post } from './post.ts';

export function openContactWebhook(
  { secret, timeoutMs }: NonNullable<NotifySettings['webhook']>,
  now: () => number,
): Channel {
  return {
    send: ({ id, address, notice }, signal) =>
      post({ id, url: address, body: webhookBody(notice), secret, timeoutMs, signal, now }),
    reaches: (address) => URL.canParse(address),
    close: () => undefined,
  };
}

/** What the receiver gets: `rempart/notice@1`. */
export function webhookBody(notice: Notice): string {
  const { at, ...facts } = notice;
  return JSON.stringify({
    schema: 'rempart/notice@1',
    at: new Date(at).toISOString(),
    subject: noticeText(notice).subject,
    text: plainText(notice),
    ...facts,
  });
}
