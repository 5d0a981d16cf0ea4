// Whether a narrator's sentence may stand in a report: it cites what it speaks of, and says nothing that the findings do not.
import type { ToldFinding } from './facts.ts';
import { namedClassesAreKnown } from './named-classes.ts';

export type Checked =
  | { kind: 'accepted'; text: string; findings: string[] }
  | {
      kind: 'refused';
      why: 'no-citation' | 'unknown-id' | 'number' | 'class' | 'severity' | 'markup' | 'length';
    };

const longest = 600;
/** What is looked at of one answer. */
const mostText = 32_768;
/** Anything that a reader's program could act on, or that only an instruction would hold. */
const markup = /[<>`|{}\\]|\]\(|:\/\/|\bwww\.|\p{Cc}|\p{Cf}|\p{Co}|[\p{Zl}\p{Zp}]/u;
const citation = /\[((?:F-\d+-\d+)(?:\s*[,;]\s*F-\d+-\d+)*)\]/g;
const numberWords: Readonly<Record<string, number>> = {
  ...words(
    'two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen',
    2,
  ),
  ...words('deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize', 2),
  ...words('twenty thirty forty fifty sixty seventy eighty ninety', 20, 10),
  ...words('vingt trente quarante cinquante soixante', 20, 10),
  ...words('third fourth fifth sixth seventh eighth ninth tenth', 3),
  ...words('troisième quatrième cinquième sixième septième huitième neuvième dixième', 3),
  ...Object.fromEntries(['half', 'moitié', 'quarter', 'quart', 'percent', 'zero', 'zéro'].map((word) => [word, 0])),
  ...Object.fromEntries(['hundred', 'hundreds', 'cent', 'cents', 'centaine', 'centaines'].map((word) => [word, 100])),
  ...Object.fromEntries(
    ['thousand', 'thousands', 'mille', 'milliers', 'million', 'millions', 'milliard', 'milliards'].map((word) => [
      word,
      1_000,
    ]),
  ),
  ...Object.fromEntries(['dozen', 'dozens', 'douzaine', 'douzaines', 'dizaine', 'dizaines'].map((word) => [word, 12])),
};
const severityWords: readonly [pattern: RegExp, severity: ToldFinding['severity']][] = [
  [/\bcritical(?:ly)?\b|(?<!\p{L})critiques?(?!\p{L})/u, 'critical'],
  [/\bhigh(?:-| )(?:severity|risk)\b|(?<!\p{L})élevée?s?(?!\p{L})/u, 'high'],
  [
    /\b(?:medium|moderate)(?:-| )(?:severity|risk)\b|\b(?:gravité|sévérité|risque) (?:moyenn?e?|modérée?)(?!\p{L})/u,
    'medium',
  ],
  [
    /\blow(?:-| )(?:severity|risk)\b|\b(?:gravité|sévérité|risque) faible\b|\bfaible (?:gravité|risque)(?!\p{L})/u,
    'low',
  ],
];

/** `findings` are those that the narrator was told; a sentence is judged by those it cites. */
export function checkSentence(sentence: string, findings: ReadonlyMap<string, ToldFinding>): Checked {
  const text = sentence.trim().normalize('NFC');
  if (text.length > longest) return { kind: 'refused', why: 'length' };
  if (markup.test(text)) return { kind: 'refused', why: 'markup' };
  const ids = [...text.matchAll(citation)].flatMap(([, list]) => list!.split(/\s*[,;]\s*/));
  if (ids.length === 0) return { kind: 'refused', why: 'no-citation' };
  const plain = text.replace(citation, ' ');
  // An id that stands outside the brackets, or is none of those told, vouches for nothing.
  if (ids.some((id) => !findings.has(id)) || /\bF-\d/.test(plain)) return { kind: 'refused', why: 'unknown-id' };
  const cited = [...new Set(ids)].map((id) => findings.get(id)!);
  const rest = withoutClasses(plain, cited);
  if (rest === null || !namedClassesAreKnown(plain, cited)) return { kind: 'refused', why: 'class' };
  if (!numbersAreKnown(rest, cited)) return { kind: 'refused', why: 'number' };
  if (!severitiesAreKnown(rest, cited)) return { kind: 'refused', why: 'severity' };
  return { kind: 'accepted', text, findings: cited.map(({ id }) => id) };
}

/** The sentence without the classes that the findings have; null when it names another, or a vulnerability by number. */
function withoutClasses(text: string, cited: readonly ToldFinding[]): string | null {
  const known = new Set(cited.flatMap(({ cwe, owasp }) => [...cwe, ...owasp]).map((name) => name.toUpperCase()));
  let wrong = false;
  const rest = text.replace(/\b(?:CWE[-\s]?\d+|CVE-\S+|(?:API|LLM|A)\d{1,2}:\d{4})/gi, (name) => {
    if (!known.has(name.toUpperCase().replace(/^CWE[-\s]?/, 'CWE-'))) wrong = true;
    return ' ';
  });
  return wrong ? null : rest;
}

/** Numbers of messages, how many findings are cited, and names such as SHA-256 that the rules themselves use. */
function numbersAreKnown(text: string, cited: readonly ToldFinding[]): boolean {
  const own = cited.flatMap(({ weakness, fix }) => `${weakness} ${fix}`.match(/\d+(?:[.,]\d+)?/g) ?? []);
  const places = cited.flatMap(({ message, life }) => [message, ...life.map((step) => step.message)]);
  const known = new Set([...own, ...[cited.length, ...places].map(String)]);
  const digits = text.match(/\p{N}+(?:[.,]\p{N}+)*/gu) ?? [];
  const spelled = (text.toLowerCase().match(/\p{L}+/gu) ?? []).flatMap((word) =>
    Object.hasOwn(numberWords, word) ? [String(numberWords[word])] : [],
  );
  return !/[%‰]/.test(text) && [...digits, ...spelled].every((number) => known.has(number));
}

function severitiesAreKnown(text: string, cited: readonly ToldFinding[]): boolean {
  const lower = text.toLowerCase();
  return severityWords.every(
    ([pattern, severity]) => !pattern.test(lower) || cited.some((finding) => finding.severity === severity),
  );
}

function words(list: string, from: number, step = 1): Record<string, number> {
  return Object.fromEntries(list.split(' ').map((word, index) => [word, from + index * step]));
}

/** A narrator's text cut where sentences end; a citation after the full stop belongs to the sentence before it. */
export function sentencesOf(text: string): string[] {
  // Bounded first: a hostile answer of one kind of character must not cost the square of its length.
  const marked = text
    .slice(0, mostText)
    .replace(/[ \t]+/g, ' ')
    .replace(/ ?\n[ \n]*/g, '\n')
    .replace(/([.!?…])\s+(\[F-[^\]\n]{0,600}\])/g, ' $2$1');
  return marked
    .split(/\n|(?<=[.!?…])\s+(?=\p{Lu}|\[|«|"|\d)/u)
    .map((one) => one.replace(/^[-*•]\s+/, '').trim())
    .filter((one) => one !== '');
}
