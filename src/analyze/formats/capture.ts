// Pages and texts that people save: chat pages with their data or their turns, and Markdown with a heading per speaker.
import type { Author } from '../../platform/documents/analysis.ts';
import type { Conversation } from '../conversation.ts';
import { draft, type Place } from './draft.ts';
import { readEmbedded } from './embedded.ts';
import { attribute, type HtmlToken, htmlTokens, tokensToMarkdown } from './html.ts';
import { authorOf } from './roles.ts';
import { groupedByTime, takeoutPage } from './takeout.ts';

export function readPage(html: string, place: Place): Conversation[] {
  const activities = takeoutPage(html);
  if (activities !== null) return groupedByTime(activities, place);
  const embedded = readEmbedded(html, place);
  if (embedded.length > 0) return embedded;
  const turns = turnsIn(html);
  if (turns.length === 0) return [];
  const title = /<title[^>]*>([^<]{1,300})<\/title>/i.exec(html)?.[1] ?? null;
  return [conversationOf(turns, place, title)];
}

interface Turn {
  author: Author;
  text: string;
}

function conversationOf(turns: readonly Turn[], place: Place, title: string | null): Conversation {
  const conversation = draft('capture', place, { id: null, title });
  for (const { author, text } of turns)
    conversation.say({ author, parts: text === '' ? [] : [{ kind: 'prose', text }] });
  return conversation.finish();
}

/** What an element's attributes say about who speaks in it, on the pages of the known assistants and their exporters. */
function speakerOf({ name, attributes }: HtmlToken & { kind: 'open' }): Author | null {
  const said =
    attribute(attributes, 'data-message-author-role') ??
    attribute(attributes, 'data-role') ??
    attribute(attributes, 'data-author');
  if (said !== null) return authorOf(said);
  if (name === 'user-query') return 'user';
  if (name === 'model-response') return 'assistant';
  const marks = ` ${attribute(attributes, 'data-testid') ?? ''} ${attribute(attributes, 'class') ?? ''} `;
  if (/ (?:user-message|human-message|message-user|user-turn|user|human) /i.test(marks)) return 'user';
  return / (?:font-claude-(?:message|response)|assistant-message|message-assistant|assistant-turn|bot-message|assistant|answer-message) /i.test(
    marks,
  )
    ? 'assistant'
    : null;
}

const empty = new Set([
  'br',
  'img',
  'hr',
  'input',
  'meta',
  'link',
  'source',
  'wbr',
  'area',
  'base',
  'col',
  'embed',
  'track',
]);

function turnsIn(html: string): Turn[] {
  const turns: Turn[] = [];
  let open: { author: Author; name: string; depth: number; tokens: HtmlToken[] } | null = null;
  for (const token of htmlTokens(html)) {
    if (open === null) {
      const author =
        token.kind === 'open' && !empty.has(token.name) && token.name !== 'body' && token.name !== 'html'
          ? speakerOf(token)
          : null;
      if (author !== null && token.kind === 'open') open = { author, name: token.name, depth: 1, tokens: [] };
      continue;
    }
    if (token.kind === 'open' && token.name === open.name) open.depth++;
    if (token.kind === 'close' && token.name === open.name && --open.depth === 0) {
      turns.push({ author: open.author, text: tokensToMarkdown(open.tokens) });
      open = null;
    } else open.tokens.push(token);
  }
  if (open !== null) turns.push({ author: open.author, text: tokensToMarkdown(open.tokens) });
  return turns;
}

const speakers =
  'you|user|human|me|prompt|vous|moi|utilisateur|utilisatrice|assistant|ai|ia|bot|response|réponse|answer|chatgpt|gpt-?[\\w.]*|claude[\\w .]*|gemini[\\w .]*|le chat|mistral[\\w .]*|grok[\\w .]*|copilot|perplexity|system|système';
/** `## User`, `**Claude:**`, `### 🧑 You said:`, `Human:`; a bare word needs its colon. */
const heading = new RegExp(
  String.raw`^(?:#{1,6}[ \t]+(?:\*\*)?[^\p{L}\n]{0,6}(${speakers})(?:[ \t]+(?:said|a dit))?(?:\*\*)?[ \t]*(?::|$|[(—–-].*$)(?:\*\*)?|\*\*[^\p{L}\n]{0,6}(${speakers})(?:[ \t]+(?:said|a dit))?[ \t]*:?\*\*[ \t]*:?|(${speakers})(?:[ \t]+(?:said|a dit))?[ \t]*:)[ \t]*(.*)$`,
  'iu',
);
const humans = /^(?:you|user|human|me|prompt|vous|moi|utilisat)/i;

export function readText(markdown: string, place: Place): Conversation[] {
  const turns: Turn[] = [];
  let lines: string[] | null = null;
  let fence: string | null = null;
  const title = /^#[ \t]+(.{1,200})$/m.exec(markdown)?.[1] ?? null;
  const close = () => {
    const turn = turns.at(-1);
    if (turn !== undefined && lines !== null)
      turn.text = lines
        .join('\n')
        .replace(/^\s*\n|\n(?:---+)?\s*$/g, '')
        .trim();
  };
  for (const line of markdown.split(/\r\n|\n|\r/)) {
    const marks = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    const begins = fence === null ? heading.exec(line) : null;
    if (marks !== undefined)
      fence = fence === null ? marks : marks.startsWith(fence) && /^ {0,3}[`~]+\s*$/.test(line) ? null : fence;
    if (begins === null) {
      lines?.push(line);
      continue;
    }
    close();
    const speaker = begins[1] ?? begins[2] ?? begins[3] ?? '';
    turns.push({ author: humans.test(speaker) ? 'user' : /^syst/i.test(speaker) ? 'system' : 'assistant', text: '' });
    lines = begins[4] === undefined || begins[4] === '' ? [] : [begins[4]];
  }
  close();
  // One speaker alone is a document that happens to use the word.
  const both = turns.some(({ author }) => author === 'user') && turns.some(({ author }) => author === 'assistant');
  return both ? [conversationOf(turns, place, title !== null && heading.test(`# ${title}`) ? null : title)] : [];
}
