// Screens one text of a conversation for injection, jailbreak and attempts to get code run.
import { createSums, createThreeSums, type Sums } from './features.ts';
import { readLexicon } from './lexicon.ts';
import { type Best, type Head, heads, readModel } from './model.ts';
import { joined, normalise } from './normalise.ts';
import { createReader, type Reader } from './reader.ts';
import { createReasons, type Reason } from './reasons.ts';
import { bestRun, logitOf } from './score.ts';
import { createSecond } from './second.ts';
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

/** What speaks loudest of a text and of all that was decoded from it: the whole or a run. */
interface Strongest {
  /** The text in its normal form. */
  said: string;
  score: number;
  suspicious: boolean;
  /** The run as plain text, or the whole. */
  run: string;
  head: number;
  /** Its strongest few segments, where it is suspicious: a run of many would take long to name. */
  core: string;
  category: Category;
  decoded: boolean;
}

/** Reads texts with the weights of two heads. */
interface Judge {
  head: number;
  runHead: number;
  sums: Sums;
  reader: Reader;
}
const kindsOfAttack = ['injection', 'jailbreak', 'code-execution'] as const;
const codeAt = kindsOfAttack.indexOf('code-execution');
/** In log-odds. */
const aboutAsLoud = 2;

/** How far from the threshold a text is at least that the first reader has no doubt about. */
const certain = 1;
/** How far below its threshold a run is at least that nothing the second reader says would lift above. */
const mostLifted = 4;

/** Segments that what speaks for a verdict is named from, and those that its category is read from. */
const coreLength = 3;
const categoryLength = 6;

/** Throws ERR_SCREENING_MODEL when the weights are not the promised ones, and when the lexicon cannot be read. */
export function createPromptScreen(parts: PromptScreenParts, settings: PromptScreenSettings = {}): PromptScreen {
  const model = readModel(parts.model, parts.modelHash, parts.lexicon);
  const lexicon = readLexicon(parts.lexicon);
  const judgeOf = (whole: Head, run: Head): Judge => {
    const [head, runHead] = [heads.indexOf(whole), heads.indexOf(run)];
    const letters = { whole: model.weights[head]!, run: model.weights[runHead]! };
    const sums = createSums(letters);
    return { head, runHead, sums, reader: createReader({ lexicon, sink: sums, letters }) };
  };
  const judges = { user: judgeOf('user', 'user-run'), tool: judgeOf('tool', 'tool-run') };
  const kindHeads = kindsOfAttack.map((kind) => heads.indexOf(kind));
  const kinds = createThreeSums(kindHeads.map((head) => model.weights[head]!));
  const kindReader = createReader({ lexicon, sink: kinds });
  const reasons = createReasons(lexicon, model);
  const second = createSecond(model.second, model.vectors);

  const wholeOf = (head: number, { whole, wholeMass }: Sums): number =>
    logitOf(whole(), wholeMass(), model.scales[head]!, model.biases[head]!);
  /** The category whose own head speaks loudest; of two about as loud, code to be run is the graver. */
  const categoryOf = (text: string): Category => {
    kindReader.read(text);
    const logits = kindHeads.map((head, at) =>
      logitOf(kinds.sums[at]!, kinds.mass(), model.scales[head]!, model.biases[head]!),
    );
    const loudest = Math.max(...logits);
    return logits[codeAt]! > loudest - aboutAsLoud ? 'code-execution' : kindsOfAttack[logits.indexOf(loudest)]!;
  };

  const strongest = (text: string, role: Role): Strongest => {
    const { head, runHead, sums, reader } = role === 'tool' ? judges.tool : judges.user;
    const [scale, bias] = [model.scales[runHead]!, model.biases[runHead]!];
    const at = roles.indexOf(role);
    const plain = normalise(text);
    let last: { text: string; said: number } | null = null;
    const saidOf = (one: string): number => {
      if (last?.text !== one) last = { text: one, said: second.read(one, false) };
      return last.said;
    };
    const ofPerson = role === 'user' || role === 'assistant';
    // An operator's prompt is judged as a whole: some of its runs are orders as an attack's are.
    const runShare = ofPerson ? model.runShare : role === 'tool' ? model.documentRunShare : 0;
    // The second reader is asked only of what a person writes and the first is in doubt about, and once of the same.
    const wholeMargin = (logit: number, loudest: number): number => {
      const both = logit + runShare * loudest - model.thresholds[at]!;
      if (!ofPerson) return both;
      return logit < model.doubt ? logit - model.doubt - certain : both + model.share * saidOf(joined(plain));
    };
    const runMargin = (logit: number, run: () => string): number => {
      const margin = logit - model.runThresholds[at]!;
      return ofPerson && margin > -mostLifted ? margin + model.share * saidOf(run()) : margin;
    };
    let highest = Number.NEGATIVE_INFINITY;
    const found: Strongest = {
      said: plain.text,
      score: 0,
      suspicious: false,
      run: '',
      head,
      core: '',
      category: 'injection',
      decoded: false,
    };
    for (const one of [plain.text, ...plain.decoded]) {
      const count = reader.read(one);
      if (count === 0) continue;
      const all = { from: 0, to: count, longest: Number.POSITIVE_INFINITY };
      const best = bestRun(sums.runs, sums.mass, scale, bias, all);
      const runText = (within: Best): string => runOf(one, reader.starts(), count, within);
      const whole = wholeMargin(wholeOf(head, sums), best.logit);
      const run = runMargin(best.logit, () => runText(best));
      const margin = Math.max(run, whole);
      if (margin <= highest) continue;
      highest = margin;
      found.score = scoreOf(margin);
      found.head = whole >= run ? head : runHead;
      found.run = whole >= run ? one : runText(best);
      found.decoded = one !== plain.text;
      found.suspicious = found.score >= (settings.thresholds?.[role] ?? 0.5);
      if (!found.suspicious) continue;
      const within = whole >= run ? all : { from: best.first, to: best.first + best.length };
      const part = (longest: number): string =>
        runText(bestRun(sums.runs, sums.mass, scale, bias, { ...within, longest }));
      found.core = part(coreLength);
      found.category = categoryOf(part(categoryLength));
    }
    if (highest === Number.NEGATIVE_INFINITY) found.suspicious = found.score >= (settings.thresholds?.[role] ?? 0.5);
    return found;
  };

  const judge = (text: string, role: Role): { verdict: Verdict; found: Strongest } => {
    const found = strongest(text, role);
    if (!found.suspicious) return { verdict: { kind: 'clean' }, found };
    const meanings = reasons.meanings(found.core, found.head);
    if (role === 'user' && !found.decoded && isSmallTalk(found.said, meanings)) {
      found.score = Math.min(found.score, belowSuspicion);
      return { verdict: { kind: 'clean' }, found };
    }
    const rules = rulesOf(meanings, found.decoded);
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
        const strongest = found.run === '' ? [] : reasons.all(found.run, found.head).slice(0, 12);
        return { verdict, score: found.score, reasons: strongest, found: found.decoded ? 'decoded' : 'text' };
      } catch (cause) {
        return { verdict: { kind: 'unscreened', cause }, score: null, reasons: [], found: null };
      }
    },
  });
}

/** Names of meanings alone, such as `override+prior+instruction`: a verdict goes into logs and may hold no word of the text. */
const belowSuspicion = 0.4999;
/** Meanings that an attack cannot do with alone. */
const idle: ReadonlySet<string> = new Set(
  'ALL NOW YOU ME REVEAL QUESTION REPLY DO LEARN DOCUMENT NEGATION RESULT FICTION PRIOR TOLD THEN'.split(' '),
);

/** "run it", "exécute-la": what there is to be run was said, and judged, before. */
const nothingNamed = /^\p{L}+(?:[ -](?:it|this|that|them|les?|la|ça|cela|ceci))?[ ?!.…]*$/iu;
const ofRunning: ReadonlySet<string> = new Set(['EXECUTE', '[run-code]', 'TOLD EXECUTE THEN [run-code]']);

/**
 * "and then", "what did you say": a few plain words, none of which an attack is made of. Weights learned from texts that
 * are nearly all longer would say more of them than there is to say.
 */
function isSmallTalk(text: string, meanings: readonly Reason[]): boolean {
  const said = text.trim();
  if (said.length > 40 || !/^[\p{L}\p{M}\d\s'’?!.,…-]+$/u.test(said) || said.split(/\s+/).length > 5) return false;
  const isBare = nothingNamed.test(said);
  return meanings.every(
    ({ feature }) =>
      (isBare && ofRunning.has(feature.replace(/^\^+/, ''))) ||
      (!feature.includes('[') &&
        (feature.match(/[A-Z]{2,}/g) ?? []).every((name) => idle.has(name) || (isBare && name === 'EXECUTE'))),
  );
}

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

function scoreOf(logit: number): number {
  return Math.round(1e4 / (1 + Math.exp(-logit))) / 1e4;
}

/** Segments are cut and read each by itself, so the run alone says what it says in its text. */
function runOf(text: string, starts: Int32Array, count: number, { first, length }: Best): string {
  return text.slice(starts[first], first + length < count ? starts[first + length] : text.length);
}
