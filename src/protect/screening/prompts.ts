// Screens one text of a conversation for injection, jailbreak and attempts to get code run.
import { createExtractor, type Segments } from './features.ts';
import { readLexicon } from './lexicon.ts';
import { type Best, byHead, heads, readModel } from './model.ts';
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
  score: number;
  suspicious: boolean;
  /** The run as plain text. */
  run: string;
  /** Its strongest few segments, where it is suspicious: a run of many would take long to name. */
  core: string;
  category: Category;
  decoded: boolean;
}

/** Segments that what speaks for a verdict is named from. */
const coreLength = 3;

/** Throws ERR_SCREENING_MODEL when the weights are not the promised ones, and when the lexicon cannot be read. */
export function createPromptScreen(parts: PromptScreenParts, settings: PromptScreenSettings = {}): PromptScreen {
  const model = readModel(parts.model, parts.modelHash, parts.lexicon);
  const weights = byHead(model);
  const lexicon = readLexicon(parts.lexicon);
  const extractor = createExtractor(lexicon, { weights });
  const reasons = createReasons(lexicon, model);
  let sums = new Float64Array(1 << 10);

  const logitOf = (head: number, segments: Segments, best: Best): number =>
    runLogit(weights[head]!, model.scales[head]!, model.biases[head]!, head, segments, best);
  /** The category whose own head speaks loudest for the run that was found. */
  const categoryOf = (segments: Segments, best: Best): Category => {
    const logits = [2, 3, 4].map((head) => logitOf(head, segments, best));
    return heads[2 + logits.indexOf(Math.max(...logits))] as Category;
  };

  const strongest = (text: string, role: Role): Strongest => {
    const head = headOf(role);
    const [scale, bias] = [model.scales[head]!, model.biases[head]!];
    const threshold = model.thresholds[roles.indexOf(role)]!;
    const plain = normalise(text);
    let highest = Number.NEGATIVE_INFINITY;
    const found: Strongest = { score: 0, suspicious: false, run: '', core: '', category: 'injection', decoded: false };
    for (const one of [plain.text, ...plain.decoded]) {
      const segments = extractor.extract(one);
      if (segments.count > sums.length) sums = new Float64Array(segments.count * 2);
      sumSegments(weights[head]!, head, segments, sums);
      const best = bestRun(sums, segments, scale, bias);
      if (best.logit <= highest) continue;
      highest = best.logit;
      found.score = scoreOf(best.logit - threshold);
      found.run = runOf(one, segments, best);
      found.decoded = one !== plain.text;
      found.suspicious = found.score >= (settings.thresholds?.[role] ?? 0.5);
      if (!found.suspicious) continue;
      found.category = categoryOf(segments, best);
      const within = { from: best.first, to: best.first + best.length, longest: coreLength };
      found.core = runOf(one, segments, bestRun(sums, segments, scale, bias, within));
    }
    if (highest === Number.NEGATIVE_INFINITY) found.suspicious = found.score >= (settings.thresholds?.[role] ?? 0.5);
    return found;
  };

  const judge = (text: string, role: Role): { verdict: Verdict; found: Strongest } => {
    const found = strongest(text, role);
    if (!found.suspicious) return { verdict: { kind: 'clean' }, found };
    const rules = rulesOf(reasons.meanings(found.core, headOf(role)), found.decoded);
    return { verdict: { kind: 'suspicious', category: found.category, score: found.score, rules }, found };
  };

  const brief: PromptScreen['brief'] = (text, role) => {
    try {
      const { verdict, found } = judge(text, role);
      return { verdict, score: found.score };
    } catch (cause) {
      return { verdict: { kind: 'unscreened', cause }, score: null };
    }
  };
  return Object.assign((text: string, role: Role) => brief(text, role).verdict, {
    brief,
    explain(text: string, role: Role): Explanation {
      try {
        const { verdict, found } = judge(text, role);
        const strongest = found.run === '' ? [] : reasons.all(found.run, headOf(role)).slice(0, 12);
        return { verdict, score: found.score, reasons: strongest, found: found.decoded ? 'decoded' : 'text' };
      } catch (cause) {
        return { verdict: { kind: 'unscreened', cause }, score: null, reasons: [], found: null };
      }
    },
  });
}

/** Names of meanings alone, such as `override+prior+instruction`: a verdict goes into logs and may hold no word of the text. */
function rulesOf(reasons: readonly { feature: string; weight: number }[], decoded: boolean): string[] {
  const meanings = reasons.filter(({ weight }) => weight > 0);
  const names = meanings.slice(0, 3).map(({ feature }) =>
    feature
      .replace(/ …|[[\]]/g, '')
      .toLowerCase()
      .replaceAll(' ', '+'),
  );
  return [...(decoded ? ['decoded'] : []), ...(names.length === 0 ? ['wording'] : names)];
}

function headOf(role: Role): number {
  return role === 'tool' ? 1 : 0;
}

function scoreOf(logit: number): number {
  return Math.round(1e4 / (1 + Math.exp(-logit))) / 1e4;
}

/** Segments are cut and read each by itself, so the run alone says what it says in its text. */
function runOf(text: string, { starts, count }: Segments, { first, length }: Best): string {
  return text.slice(starts[first], first + length < count ? starts[first + length] : text.length);
}
