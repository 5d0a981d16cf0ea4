// What a narrator is told of a conversation: rules' own words and positions, never a word that the conversation said.
import type { AnalysedConversation, Finding } from '../../platform/documents/analysis.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { ruleWords } from '../knowledge/rule-words.ts';
import { messageNumber } from '../report/words.ts';

export interface ToldFinding {
  id: string;
  weakness: string;
  cwe: readonly string[];
  owasp: readonly string[];
  severity: Finding['severity'];
  state: Finding['state'];
  message: number;
  author: Finding['author'];
  life: { event: string; message: number; author: string }[];
  fix: string;
}

/** More would not be read, and would not fit a small model's window. */
const mostFindings = 20;

/** Weaknesses and fixes in the rules' general words. Excerpts, titles, names of services, files, branches and models stay here. */
export function factsOf({ findings }: AnalysedConversation, lang: Lang): ToldFinding[] {
  return findings
    .filter(({ state }) => state !== 'example')
    .slice(0, mostFindings)
    .map((finding) => ({ finding, words: ruleWords(finding, lang) }))
    .map(({ finding, words }) => ({
      id: finding.id,
      weakness: words.title,
      cwe: finding.cwe,
      owasp: finding.owasp,
      severity: finding.severity,
      state: finding.state,
      message: messageNumber(finding.messageIndex),
      author: finding.author,
      life: finding.life.map(({ event, messageIndex, author }) => ({
        event,
        message: messageNumber(messageIndex),
        author,
      })),
      fix: words.fix,
    }));
}

/** As it is sent: flat, and without the words that a gateway's screen takes for orders to an assistant. */
export function sentForm({
  id,
  weakness,
  cwe,
  owasp,
  severity,
  state,
  message,
  author,
  life,
  fix,
}: ToldFinding): object {
  const writtenBy = author === 'assistant' ? 'chat' : author === 'user' ? 'person' : 'other';
  const events = Object.fromEntries(life.map(({ event, message: at }) => [event, at]));
  return { id, weakness, cwe, owasp, severity, state, message, writtenBy, ...events, fix };
}
