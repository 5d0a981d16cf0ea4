// Screens one text of a conversation for injection, jailbreak and attempts to get code run.
import { createExtractor, type Segments } from './features.ts';
import { readLexicon } from './lexicon.ts';
import { type Best, heads, type Model, readModel, stride } from './model.ts';
import { normalise } from './normalise.ts';
import { createReasons } from './reasons.ts';
import { bestRun, runLogit, sumSegments } from './score.ts';
import { type Category, type Role, roles, type Verdict } from './verdict.ts';

export interface PromptScreenParts {
  /** The weights' file as it lies in models/screening. */
  model: Uint8Array;
  /** SHA-256 of that file, in hex. */
  modelHash: string;
  /** The text of rules/screening/lexicon.yaml: words by meaning. */
  lexicon: string;
}

export interface PromptScreenSettings {
  /** Score from which a text is suspicious, by role; 0.5 where nothing is given. */
  thresholds?: Partial<Record<Role, number>>;
}

export interface Explanation {
  verdict: Verdict;
  /** Score of the strongest part, suspicious or not; null where the text could not be screened. */
  score: number | null;
  /** What spoke for and against, the strongest first. */
  reasons: readonly { feature: string; weight: number }[];
  /** Where it stood: in the text itself, or in what hidden or encoded parts of it say. */
  found: 'text' | 'decoded' | null;
}

export interface PromptScreen {
  /** Never throws: what fails is `unscreened`. The same text and role always get the same verdict. */
  (text: string, role: Role): Verdict;
  /** The verdict with the score, which a clean text has too. */
  brief(text: string, role: Role): Pick<Explanation, 'verdict' | 'score'>;
  explain(text: string, role: Role): Explanation;
}

/** The strongest run of a text and of all that was decoded from it. */
interface Strongest {
  best: Best;
  /** The plain text it stands in. */
  text: string;
  decoded: boolean;
}

/** Throws ERR_SCREENING_MODEL when the weights are not the promised ones, and when the lexicon cannot be read. */
export function createPromptScreen(parts: PromptScreenParts, settings: PromptScreenSettings = {}): PromptScreen {
  const model = readModel(parts.model, parts.modelHash);
  const lexicon = readLexicon(parts.lexicon);
  const extractor = createExtractor(lexicon);
  const reasons = createReasons(lexicon, model);
  let sums = new Float64Array(1 << 10);

  const strongest = (text: string, role: Role): Strongest => {
    const head = headOf(role);
    const plain = normalise(text);
    let found: Strongest = { best: { logit: Number.NEGATIVE_INFINITY, first: 0, length: 0 }, text: '', decoded: false };
    for (const one of [plain.text, ...plain.decoded]) {
      const segments = extractor.extract(one);
      if (segments.count > sums.length) sums = new Float64Array(segments.count * 2);
      sumSegments(model.weights, stride, head, segments, sums);
      const best = bestRun(sums, segments, model.scales[head]!, model.biases[head]!);
      if (best.logit > found.best.logit) found = { best, text: one, decoded: one !== plain.text };
    }
    return found;
  };

  const judge = (text: string, role: Role): { verdict: Verdict; score: number; found: Strongest } => {
    const found = strongest(text, role);
    const score = scoreOf(found.best.logit - model.thresholds[roles.indexOf(role)]!);
    if (score < (settings.thresholds?.[role] ?? 0.5)) return { verdict: { kind: 'clean' }, score, found };
    const segments = extractor.extract(found.text);
    const category = categoryOf(model, segments, found.best);
    const rules = rulesOf(reasons.meanings(found.text, found.best, headOf(role)), found.decoded);
    return { verdict: { kind: 'suspicious', category, score, rules }, score, found };
  };

  const brief: PromptScreen['brief'] = (text, role) => {
    try {
      const { verdict, score } = judge(text, role);
      return { verdict, score };
    } catch (cause) {
      return { verdict: { kind: 'unscreened', cause }, score: null };
    }
  };
  return Object.assign((text: string, role: Role) => brief(text, role).verdict, {
    brief,
    explain(text: string, role: Role): Explanation {
      try {
        const { verdict, score, found } = judge(text, role);
        const strongest = found.text === '' ? [] : reasons.all(found.text, found.best, headOf(role)).slice(0, 12);
        return { verdict, score, reasons: strongest, found: found.decoded ? 'decoded' : 'text' };
      } catch (cause) {
        return { verdict: { kind: 'unscreened', cause }, score: null, reasons: [], found: null };
      }
    },
  });
}

/** Names of meanings alone, such as `override+prior+instruction`: a verdict goes into logs and may hold no word of the text. */
function rulesOf(reasons: readonly { feature: string; weight: number }[], decoded: boolean): string[] {
  const meanings = reasons.filter(({ weight }) => weight > 0);
  const names = meanings.slice(0, 3).map(({ feature }) => feature.replace(' …', '').toLowerCase().replaceAll(' ', '+'));
  return [...(decoded ? ['decoded'] : []), ...(names.length === 0 ? ['wording'] : names)];
}

function headOf(role: Role): number {
  return role === 'tool' ? 1 : 0;
}

function scoreOf(logit: number): number {
  return Math.round(1e4 / (1 + Math.exp(-logit))) / 1e4;
}

/** The category whose own head speaks loudest for the run that was found. */
function categoryOf(model: Model, segments: Segments, best: Best): Category {
  const logits = [2, 3, 4].map((head) => runLogit(model, head, segments, best));
  return heads[2 + logits.indexOf(Math.max(...logits))] as Category;
}
