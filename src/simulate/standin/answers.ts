// What the stand-in says: a short answer in the prompt's language that calls itself a stand-in and repeats the prompt's markers.
import { type Lang, say, type TextKey } from '../../platform/i18n/say.ts';
import { hash32, randomFrom } from './random.ts';

const openings: readonly TextKey[] = ['standin.opening.1', 'standin.opening.2', 'standin.opening.3'];
const middles: readonly TextKey[] = ['standin.middle.1', 'standin.middle.2', 'standin.middle.3', 'standin.middle.4'];
const closings: readonly TextKey[] = ['standin.closing.1', 'standin.closing.2', 'standin.closing.3'];

/** The same seed and prompt give the same text. */
export function answerTo(seed: number, prompt: string): string {
  const lang = languageOf(prompt);
  const random = randomFrom(hash32(`${seed}:${prompt}`));
  const pick = (keys: readonly TextKey[]) => keys[Math.floor(random() * keys.length)]!;
  const topic = topicOf(prompt);
  const sentences = [
    topic === '' ? say(lang, 'standin.hello') : say(lang, pick(openings), { topic }),
    say(lang, pick(middles)),
    say(lang, pick(closings)),
  ];
  const markers = markersOf(prompt);
  if (markers.length > 0) sentences.push(say(lang, 'standin.markers', { markers: markers.join(', ') }));
  return `${say(lang, 'standin.label')} ${sentences.join(' ')}`;
}

/** What a tool returned, told in the language of the question. */
export function answerWithToolResult(prompt: string, result: string): string {
  const lang = languageOf(prompt);
  const markers = markersOf(prompt);
  const text = `${say(lang, 'standin.label')} ${say(lang, 'standin.tool', { result: result.slice(0, 200) })}`;
  return markers.length === 0 ? text : `${text} ${say(lang, 'standin.markers', { markers: markers.join(', ') })}`;
}

/**
 * Words of eight signs or more with letters and digits in them, like `mk-3f9a2b7c`: what a simulated user puts in a
 * question to know its answer again.
 */
export function markersOf(prompt: string): string[] {
  const words = prompt.match(/[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*/g) ?? [];
  const marked = words.filter((word) => word.length >= 8 && /\d/.test(word) && /[A-Za-z]/.test(word));
  return [...new Set(marked)].slice(0, 5);
}

const frenchWords =
  /(?:^|[^\p{L}])(?:le|la|les|des|une?|est|sont|et|que|qui|quel(?:le)?s?|comment|pourquoi|bonjour|merci|avec|pour|dans|sur|vous|tu|je|c['’]est|où|quand|donne|fais)(?=$|[^\p{L}])/giu;
const englishWords =
  /(?:^|[^\p{L}])(?:the|a|an|is|are|and|what|which|how|why|hello|thanks?|with|for|in|on|you|i|it|where|when|give|make|of|to)(?=$|[^\p{L}])/giu;

/** French or English, by common words and accents; English when nothing tells. */
export function languageOf(prompt: string): Lang {
  const text = prompt.slice(0, 2_000);
  const french = count(text, frenchWords) + count(text, /[éèêàçùûîôœ]/giu);
  return french > count(text, englishWords) ? 'fr' : 'en';
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function topicOf(prompt: string): string {
  const line = prompt.slice(0, 500).replace(/\s+/g, ' ').trim();
  return line.length <= 60 ? line : `${line.slice(0, 60).replace(/\s\S*$/, '')}…`;
}
