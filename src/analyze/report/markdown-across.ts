// What concerns several conversations, what was not read, and what the report was made with, as Markdown.
import type { Heading } from './markdown-conversation.ts';
import { codeSpan, oneLine, richLine } from './markdown-text.ts';
import { sharedTitles } from './shared-titles.ts';
import type { ReportSource } from './source.ts';
import { firstOf, type Words } from './words.ts';

export function acrossTitle({ say }: Words): string {
  return `🔗 ${say('analyze.report.across')}`;
}

export function* acrossText(source: ReportSource, said: Words, heading: Heading): Generator<string> {
  const { say } = said;
  if (source.statistics.conversations > 1) {
    yield heading(2, acrossTitle(said));
    yield* recurring(source, said, heading);
    yield '---\n\n';
  }
  if (source.notRead.length > 0) {
    yield heading(2, `🔍 ${say('analyze.report.not-read')}`);
    for (const { source: file, why } of source.notRead) yield `- ${codeSpan(file)}: ${oneLine(why)}\n`;
    yield '\n---\n\n';
  }
  yield* madeWith(source, said);
}

function* recurring(source: ReportSource, said: Words, heading: Heading): Generator<string> {
  const { say, number, counted } = said;
  const { recurring: weaknesses, sameSnippet, byModel } = source.across;
  if (weaknesses.length + sameSnippet.length + byModel.length === 0) yield `${say('analyze.report.across.none')}\n\n`;
  const places = new Map([...placed(source)]);
  const listed = (ids: readonly string[]) => {
    const { shown, more } = firstOf(ids, said);
    const list = [...shown.map((id) => places.get(id) ?? '?'), ...more].join(', ');
    return say('analyze.report.across.numbers', { list });
  };
  if (weaknesses.length > 0) yield heading(3, say('analyze.report.across.recurring'));
  const isShared = sharedTitles(weaknesses);
  for (const { rule, title, conversations, count } of weaknesses) {
    const among = counted('analyze.count.conversations', conversations.length);
    const name = isShared(title) ? `${richLine(title)} (${codeSpan(rule)})` : richLine(title);
    const facts = { title: name, count: number(count), conversations: among };
    yield `- ${say('analyze.report.across.recurring.line', facts)} (${listed(conversations)})\n`;
  }
  if (weaknesses.length > 0) yield '\n';
  if (sameSnippet.length > 0) yield heading(3, say('analyze.report.across.same'));
  for (const { fingerprint, rule, conversations } of sameSnippet)
    yield `- ${codeSpan(rule)}, ${codeSpan(fingerprint.slice(0, 12))}: ${listed(conversations)}\n`;
  if (sameSnippet.length > 0) yield '\n';
  if (byModel.length > 0) yield `${heading(3, say('analyze.report.across.models'))}${models(source, said)}\n`;
}

function models({ across }: ReportSource, { say, number }: Words): string {
  const columns = (['model', 'model.conversations', 'model.findings', 'model.rate'] as const).map((key) =>
    say(`analyze.report.across.${key}`),
  );
  const rows = across.byModel.map(({ model, conversations, findings }) => [
    // Within a table a bar ends the cell, even in code (GFM §4.10).
    oneLine(model).replace(/(?<!\\)\|/g, '\\|'),
    number(conversations),
    number(findings),
    number(findings / Math.max(1, conversations)),
  ]);
  return [columns, ['---', '---:', '---:', '---:'], ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
}

function* placed({ conversations }: ReportSource): Generator<[id: string, place: number]> {
  let n = 0;
  for (const { id } of conversations) yield [id, ++n];
}

function* madeWith({ engine, narrator }: ReportSource, { say, number }: Words): Generator<string> {
  if (narrator !== undefined) {
    const { name, accepted, refused, unanswered = 0 } = narrator;
    const facts = { name, accepted: number(accepted), refused: number(refused) };
    const silent =
      unanswered === 0 ? '' : ` ${say('analyze.report.narrator.unanswered', { count: number(unanswered) })}`;
    yield `${oneLine(say('analyze.report.narrator', facts))}${silent}\n\n`;
  }
  const version = engine.version.replace(/[^\w.+-]/g, '');
  const hash = codeSpan(engine.rules.hash.slice(0, 16));
  yield `${say('analyze.report.engine', { version, rules: number(engine.rules.count), hash })}\n`;
}
