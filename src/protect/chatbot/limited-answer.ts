// What the chatbot says when no model can answer: what happens, what to do, when, and whom to turn to, in plain words.
import type { RempartError } from '../../platform/base/errors.ts';
import { type Lang, say, type TextKey } from '../../platform/i18n/say.ts';

export interface LimitedAnswer {
  text: string;
  /** Undefined where waiting does not help. */
  retryAfterSeconds?: number;
}

const defaultWaitSeconds = 30;
const quotaWaitSeconds = 3_600;

/** The limited answer for why the model is away. */
export function limitedAnswer(
  why: { error: RempartError; retryAfterSeconds?: number },
  { lang, contact }: { lang: Lang; contact: string },
): LimitedAnswer {
  const key = keyFor(why.error);
  const person = contact === '' ? say(lang, 'chat.contact.default') : contact;
  if (key === 'chat.limited.request') return { text: say(lang, key, { contact: person }) };
  const fallback = key === 'chat.limited.quota' ? quotaWaitSeconds : defaultWaitSeconds;
  const seconds = Math.max(1, Math.ceil(why.retryAfterSeconds ?? fallback));
  return { text: say(lang, key, { when: duration(seconds, lang), contact: person }), retryAfterSeconds: seconds };
}

function keyFor(error: RempartError): TextKey {
  switch (error.code) {
    case 'ERR_QUOTA_EXHAUSTED':
      return 'chat.limited.quota';
    case 'ERR_RATE_LIMITED':
      return 'chat.limited.busy';
    case 'ERR_PROVIDER_REQUEST':
      return 'chat.limited.request';
    default:
      return 'chat.limited.unavailable';
  }
}

/** A wait in words: seconds up to 90, minutes up to 120, else hours; rounded up, so that nobody comes back too early. */
export function duration(seconds: number, lang: Lang): string {
  if (seconds <= 90) return say(lang, 'chat.when.seconds', { count: Math.max(2, seconds) });
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 120) return say(lang, 'chat.when.minutes', { count: minutes });
  return say(lang, 'chat.when.hours', { count: Math.ceil(minutes / 60) });
}
