// Slack's format: blocks in which what came from outside is plain text, so that it can neither link, mention nor format.
import { sayer } from '../../../platform/i18n/say.ts';
import type { Notice } from '../notice.ts';
import { noticeText } from '../notice-text.ts';
import type { NotifySettings } from '../notify-config.ts';
import type { Channel } from './channel.ts';
import { post } from './post.ts';

export function openSlack({ to, timeoutMs }: NonNullable<NotifySettings['slack']>, now: () => number): Channel {
  const urlOf = (address: string) => (Object.hasOwn(to, address) ? to[address] : to['*']);
  return {
    async send({ id, address, notice }, signal) {
      const url = urlOf(address);
      if (url === undefined) return { kind: 'refused', why: 'no-webhook' };
      return post({ id, url, body: slackBody(notice), timeoutMs, signal, now });
    },
    reaches: (address) => urlOf(address) !== undefined,
    close: () => undefined,
  };
}

/** Slack's limits: 150 characters in a header, 3,000 in a text, 2,000 in a field, 10 fields, 50 blocks. */
const most = { header: 150, text: 2_900, field: 1_900, fields: 10 };

export function slackBody(notice: Notice): string {
  const say = sayer(notice.lang);
  const { subject, opening, facts, details, deeds, expected, demand, closing } = noticeText(notice);
  const plain = (text: string, limit: number) => ({ type: 'plain_text', text: cut(text, limit), emoji: false });
  const section = (text: string) => ({ type: 'section', text: plain(text, most.text) });
  const strong = (text: string) => ({
    type: 'section',
    text: { type: 'mrkdwn', text: `*${mrkdwn(text)}*`, verbatim: true },
  });
  const pages = Array.from({ length: Math.ceil(facts.length / most.fields) }, (_, page) =>
    facts.slice(page * most.fields, (page + 1) * most.fields),
  );
  return JSON.stringify({
    // Shown in notifications; unlike a block it is always read as mrkdwn.
    text: mrkdwn(`${subject} – ${opening}`),
    unfurl_links: false,
    unfurl_media: false,
    link_names: false,
    blocks: [
      { type: 'header', text: plain(subject, most.header) },
      section(opening),
      ...pages.map((rows) => ({
        type: 'section',
        fields: rows.map(([label, value]) => plain(say('escalation.pair', { label, value }), most.field)),
      })),
      strong(say('escalation.details')),
      section(details.length === 0 ? say('escalation.details.none') : details.map((line) => `• ${line}`).join('\n')),
      strong(say('escalation.deeds')),
      section(deeds.map(({ text, done }) => `${done ? '☑' : '☐'} ${text}`).join('\n')),
      ...(expected.length === 0
        ? []
        : [strong(say('escalation.expected')), section(expected.map((line) => `• ${line}`).join('\n'))]),
      ...(demand === null ? [] : [strong(demand)]),
      { type: 'context', elements: closing.map((line) => plain(line, most.text)) },
    ],
  });
}

/** Slack's own three (https://docs.slack.dev/messaging/formatting-message-text), and what would format: it is followed by a character of no width. */
export function mrkdwn(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[*_~`@]/g, '$&\u200b');
}

function cut(text: string, limit: number): string {
  return text.length > limit
    ? `${[...text]
        .slice(0, limit - 1)
        .join('')
        .slice(0, limit - 1)
        .toWellFormed()}…`
    : text;
}
