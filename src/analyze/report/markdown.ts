// The report as Markdown, in parts that can be written as they come; it stays a report whatever a conversation held.
import type { AnalysedConversation } from '../../platform/documents/analysis.ts';
import { acrossText, acrossTitle } from './markdown-across.ts';
import { conversationText, type Heading } from './markdown-conversation.ts';
import { flat, oneLine, shortened } from './markdown-text.ts';
import { createSlugs } from './slugs.ts';
import type { ReportSource } from './source.ts';
import { type Words, words } from './words.ts';

/** The whole report, piece by piece; the conversations are gone through twice, since the contents come first. */
export function* renderMarkdown(source: ReportSource): Generator<string> {
  const said = words(source.lang);
  const { say, number } = said;
  const names = createSlugs();
  const heading: Heading = (level, text, plain = text) => {
    names(plain);
    return `${'#'.repeat(level)} ${text}\n\n`;
  };
  const { conversations, ok, errors } = source.statistics;
  const [title, statistics, list] = opening(said).map(({ level, text }) => heading(level, text));
  yield title!;
  yield `**${say('analyze.report.date')}**: ${said.instant(source.date)}  \n`;
  yield `**${say('analyze.report.count')}**: ${number(conversations)}  \n\n`;
  yield statistics!;
  yield `- ✅ ${say('analyze.report.ok')}: ${number(ok)}\n- ❌ ${say('analyze.report.errors')}: ${number(errors)}\n\n---\n\n`;
  yield list!;
  yield* contents(source, said);
  yield '\n---\n\n';
  let n = 0;
  for (const conversation of source.conversations) {
    n += 1;
    const { text, plain } = conversationHeading(n, conversation);
    yield heading(2, `${n}. ${text}`, plain);
    yield* conversationText(conversation, said, heading);
  }
  yield* acrossText(source, said, heading);
}

/** As written, and as the rendered page shows it. */
function conversationHeading(n: number, conversation: AnalysedConversation): { text: string; plain: string } {
  const title = shortened(conversation.title.trim() || '–');
  return { text: oneLine(title), plain: `${n}. ${flat(title)}` };
}

/** Any heading may take the anchor of a later one, so all are named in their order. */
function* contents(source: ReportSource, said: Words): Generator<string> {
  const names = createSlugs();
  const name: Heading = (_, text, plain = text) => {
    names(plain);
    return '';
  };
  for (const { level, text } of opening(said)) name(level, text);
  let n = 0;
  for (const conversation of source.conversations) {
    n += 1;
    const { text, plain } = conversationHeading(n, conversation);
    yield `${n}. [${text}](#${names(plain)})\n`;
    for (const _ of conversationText(conversation, said, name));
  }
  if (n === 0) yield `${said.say('analyze.report.empty')}\n`;
  if (n > 1) yield `${n + 1}. [${acrossTitle(said)}](#${names(acrossTitle(said))})\n`;
}

function opening({ say }: Words): { level: number; text: string }[] {
  return [
    { level: 1, text: say('analyze.report.title') },
    { level: 2, text: `📊 ${say('analyze.report.statistics')}` },
    { level: 2, text: `📑 ${say('analyze.report.contents')}` },
  ];
}
