// Names, numbers, dates and durations as a reader of either language expects them; and hostile text made visible.
import type { Lang, Say, TextKey } from '../../platform/i18n/say.ts';
import { catalogues, sayer } from '../../platform/i18n/say.ts';
import type { Tone } from './blocks.ts';

export interface Words {
  lang: Lang;
  say: Say;
  /** The text of a key; an id whose key no catalogue knows (a newer rubric, another tool) stands for itself. */
  name: (key: string, id: string) => string;
  number: (value: number) => string;
  instant: (iso: string) => string;
  seconds: (ms: number) => string;
  /** Points of a cell, or that it was not assessed. */
  points: (value: number | null) => string;
  /** Points with the word for how good they are; `told` also says of how many. */
  rated: (value: number | null, of: number, told?: boolean) => { text: string; tone: Tone };
}

const locales = { en: 'en-GB', fr: 'fr-FR' } as const;

export function words(lang: Lang): Words {
  const say = sayer(lang);
  const decimals = new Intl.NumberFormat(locales[lang], { maximumFractionDigits: 2 });
  // UTC, and said so: a report must not depend on the machine that renders it.
  const clock = new Intl.DateTimeFormat(locales[lang], { dateStyle: 'long', timeStyle: 'long', timeZone: 'UTC' });
  const number = (value: number) => decimals.format(value);
  const points = (value: number | null) => (value === null ? say('report.not-assessed') : number(value));
  return {
    lang,
    say,
    name: (key, id) => (Object.hasOwn(catalogues[lang], key) ? say(key as TextKey) : id),
    number,
    instant: (iso) => (Number.isNaN(Date.parse(iso)) ? iso : clock.format(new Date(iso))),
    seconds: (ms) => duration(ms, say, number),
    points,
    rated: (value, of, told = false) => {
      if (value === null) return { text: points(null), tone: 'none' };
      const tone = toneOf(value / of, of);
      return { text: `${number(value)}${told ? ` / ${of}` : ''} (${say(`report.rating.${tone}`)})`, tone };
    },
  };
}

function duration(ms: number, say: Say, number: (value: number) => string): string {
  if (ms < 120_000) return say('report.seconds', { seconds: number(Math.round(ms / 10) / 100) });
  const seconds = Math.round(ms / 1000);
  return say('report.minutes', { minutes: number(Math.floor(seconds / 60)), seconds: seconds % 60 });
}

/** A cell out of 20 is rated by the rubric's four bands, a total by the levels of the whole. */
function toneOf(share: number, of: number): Exclude<Tone, 'none'> {
  const [best, good, fair] = of === 20 ? [0.9, 0.75, 0.5] : [0.9, 0.8, 0.7];
  return share >= best! ? 'best' : share >= good! ? 'good' : share >= fair! ? 'fair' : 'bad';
}

/** Control, direction-changing and invisible characters shown instead of obeyed: a terminal or a page must not act on a target's bytes. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
    .replace(
      /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/g,
      codePoint,
    )
    .replace(/[\u{e0000}-\u{e007f}]/gu, codePoint);
}

function codePoint(char: string): string {
  return `‹U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}›`;
}
