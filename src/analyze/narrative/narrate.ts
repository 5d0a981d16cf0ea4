// A conversation's findings told in sentences: the narrator's where they hold what the findings say, the template's elsewhere.
import type { AnalysedConversation } from '../../platform/documents/analysis.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { isOpen } from '../report/source.ts';
import { ask, type NarratorSettings } from './ask.ts';
import { checkSentence, sentencesOf } from './check-sentence.ts';
import { factsOf, type ToldFinding } from './facts.ts';
import { templateSentence } from './template.ts';

export interface Told {
  sentences: NonNullable<AnalysedConversation['narrative']>;
  accepted: number;
  refused: number;
  /** False when the narrator gave nothing at all. */
  answered: boolean;
}

export type Narrate = (conversation: AnalysedConversation) => Promise<Told | null>;

/** A narrator that is away is not waited for once per conversation. */
const giveUpAfter = 3;
const mostSentences = 12;

/** `onAway` is called once, when the narrator is first found silent. */
export function createNarrator(
  settings: NarratorSettings,
  lang: Lang,
  onAway: (why: string) => void = () => {},
): Narrate {
  let silent = 0;
  return async (conversation) => {
    const findings = factsOf(conversation, lang);
    if (findings.length === 0) return null;
    if (silent >= giveUpAfter) return told([], 0, findings, conversation, lang, false);
    const answer = await ask(settings, findings, lang);
    if (answer.kind === 'none') {
      if (silent === 0) onAway(answer.why);
      silent += 1;
      return told([], 0, findings, conversation, lang, false);
    }
    silent = 0;
    return judged(answer.text, findings, conversation, lang);
  };
}

function judged(text: string, findings: readonly ToldFinding[], conversation: AnalysedConversation, lang: Lang): Told {
  const byId = new Map(findings.map((finding) => [finding.id, finding]));
  const accepted: Told['sentences'] = [];
  let refused = 0;
  for (const sentence of sentencesOf(text)) {
    const checked = checkSentence(sentence, byId);
    if (checked.kind === 'refused' || accepted.length >= mostSentences) refused += 1;
    else accepted.push({ text: checked.text, findings: checked.findings, by: 'narrator' });
  }
  return told(accepted, refused, findings, conversation, lang, true);
}

/** Every finding that is open is told by somebody: where the narrator's sentence fell, the template's stands. */
function told(
  accepted: Told['sentences'],
  refused: number,
  findings: readonly ToldFinding[],
  { findings: all }: AnalysedConversation,
  lang: Lang,
  answered: boolean,
): Told {
  const spoken = new Set(accepted.flatMap((sentence) => sentence.findings));
  const open = new Set(all.filter(isOpen).map(({ id }) => id));
  const titles = new Map(all.map(({ id, title }) => [id, title]));
  const everything = accepted.length === 0;
  const missing = findings.filter(({ id }) => !spoken.has(id) && (everything || open.has(id)));
  const templates = missing.slice(0, mostSentences).map((finding) => ({
    text: templateSentence(finding, titles.get(finding.id) ?? finding.weakness, lang),
    findings: [finding.id],
    by: 'template' as const,
  }));
  return { sentences: [...accepted, ...templates], accepted: accepted.length, refused, answered };
}
