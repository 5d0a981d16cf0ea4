// Google Takeout's record of Gemini: one record per prompt, with its answer in HTML; conversations are a guess by time.
import type { Conversation, Part } from '../conversation.ts';
import { draft, type Place } from './draft.ts';
import type { EntriesReader } from './format-reader.ts';
import { attribute, type HtmlToken, htmlTokens, htmlToMarkdown, tokensToMarkdown } from './html.ts';
import { instant, isShape, list, type Shape, shapes, text, textsWithin } from './shape.ts';

export interface Activity {
  /** What was asked; null for a record that only tells that something was used. */
  prompt: string | null;
  title: string;
  answer: string;
  attachments: string[];
  at: string | null;
}

/** Takeout names no conversation: records closer than this are taken for one, and the report says that it is a guess. */
const gapMs = 30 * 60_000;

export const takeout: EntriesReader = {
  recognises: (entry) =>
    typeof entry['header'] === 'string' &&
    typeof entry['title'] === 'string' &&
    (typeof entry['time'] === 'string' || Array.isArray(entry['products'])) &&
    /gemini|bard/i.test(`${entry['header']} ${list(entry['products']).join(' ')}`),
  read: (entries, place) => groupedByTime(entries.map(activityOf), place),
};

/** The prefix before the prompt, by language of the account. */
const prefix =
  /^(?:(?:Live )?Prompt(?:ed)?|Asked|Said|A demandé|Vous avez demandé|Requête|Demande|Frage|Eingabe|Pregunta|Has preguntado|Chiesto|Richiesta)[\s\u00A0\u202F]*:?[\s\u00A0\u202F]+/i;

function activityOf(entry: Shape): Activity {
  const title = text(entry['title']);
  const asked = prefix.test(title);
  return {
    prompt: asked ? title.replace(prefix, '') : null,
    title,
    answer: [
      ...shapes(entry['safeHtmlItem']).map((item) => htmlToMarkdown(text(item['html']))),
      ...shapes(entry['subtitles']).map((item) => text(item['name'])),
    ]
      .filter((said) => said !== '')
      .join('\n\n'),
    attachments: [...list(entry['attachedFiles']), entry['imageFile']].flatMap((file) =>
      isShape(file) ? textsWithin(file).slice(0, 1) : text(file) === '' ? [] : [text(file)],
    ),
    at: instant(entry['time']),
  };
}

export function groupedByTime(activities: readonly Activity[], place: Place): Conversation[] {
  const inTime = activities
    .map((activity, order) => ({ activity, order, ms: Date.parse(activity.at ?? '') }))
    // Newest first in the file; without an instant a record stays behind the one it follows in time.
    .sort((a, b) => (Number.isNaN(a.ms) || Number.isNaN(b.ms) || a.ms === b.ms ? b.order - a.order : a.ms - b.ms));
  const groups: Activity[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { activity, ms } of inTime) {
    if (groups.length === 0 || ms - last > gapMs) groups.push([]);
    groups.at(-1)?.push(activity);
    if (!Number.isNaN(ms)) last = ms;
  }
  return groups.map((group) => conversationOf(group, place));
}

function conversationOf(group: readonly Activity[], place: Place): Conversation {
  const first = group.find(({ prompt }) => prompt !== null) ?? group[0];
  const title = (first?.prompt ?? first?.title ?? '').split('\n')[0]?.slice(0, 80) ?? null;
  const conversation = draft('gemini', place, { id: null, title });
  conversation.repaired('grouped-by-time');
  for (const { prompt, title: what, answer, attachments, at } of group) {
    const files = attachments.map((name): Part => ({ kind: 'attachment', name, text: null }));
    if (prompt === null) conversation.say({ author: 'system', parts: [{ kind: 'output', text: what }, ...files], at });
    else conversation.say({ author: 'user', parts: [{ kind: 'prose', text: prompt }, ...files], at });
    if (answer !== '') conversation.say({ author: 'assistant', parts: [{ kind: 'prose', text: answer }], at });
  }
  return conversation.finish();
}

/** The HTML that Takeout gives by default: a cell per record. Its dates are written for people and stay unread. */
export function takeoutPage(html: string): Activity[] | null {
  if (!/class="[^"]*outer-cell/.test(html) || !/Gemini|Bard/.test(html)) return null;
  const cells: HtmlToken[][] = [];
  let cell: HtmlToken[] | null = null;
  for (const token of htmlTokens(html)) {
    if (token.kind === 'open' && /outer-cell/.test(attribute(token.attributes, 'class') ?? '')) {
      cell = [];
      cells.push(cell);
    }
    cell?.push(token);
  }
  return cells.map(cellOf);
}

/** The prompt is the text up to the line that holds the date; the answer is what follows. */
function cellOf(tokens: readonly HtmlToken[]): Activity {
  const from = tokens.findIndex(
    (token) => token.kind === 'open' && /content-cell/.test(attribute(token.attributes, 'class') ?? ''),
  );
  const body = tokens.slice(Math.max(0, from));
  const end = body.findIndex(
    (token, i) => i > 0 && token.kind === 'open' && /content-cell/.test(attribute(token.attributes, 'class') ?? ''),
  );
  const said = tokensToMarkdown(end < 0 ? body : body.slice(0, end));
  const lines = said.split('\n');
  const dated = lines.findIndex((line) => /\b(?:19|20)\d\d\b.*\d{1,2}[:.]\d\d/.test(line) && line.length < 80);
  const title = (dated < 0 ? lines.slice(0, 1) : lines.slice(0, dated)).join('\n').replaceAll('`', '').trim();
  const asked = prefix.test(title);
  return {
    prompt: asked ? title.replace(prefix, '') : null,
    title,
    answer: (dated < 0 ? lines.slice(1) : lines.slice(dated + 1)).join('\n').trim(),
    attachments: [],
    at: null,
  };
}
