// The sentences that stand where no narrator's do: one per finding, from its own facts.
import type { Lang } from '../../platform/i18n/say.ts';
import { sayer } from '../../platform/i18n/say.ts';
import type { ToldFinding } from './facts.ts';

/** `title` is the finding's own: it goes nowhere but into the report. */
export function templateSentence(finding: ToldFinding, title: string, lang: Lang): string {
  const say = sayer(lang);
  const { id, severity, state, message, author, life } = finding;
  const text = say(`analyze.template.${state}`, {
    title,
    severity: say(`analyze.severity.${severity}`),
    n: message,
    by: say(`analyze.by.${author as 'user'}`),
    fixed: life.findLast(({ event }) => event === 'fixed')?.message ?? '?',
  });
  return `${text} [${id}]`;
}
