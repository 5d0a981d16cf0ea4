// Secrets in a text: the keys of providers, private keys, passwords in addresses and assignments; found in one pass over its keywords.
import { decodedParts, type EncodedPart } from './decode.ts';
import { createKeywordAutomaton } from './keyword-automaton.ts';
import { type Finder, finderOfGeneric, finderOfName, finderOfToken } from './secret-finders.ts';
import { loadSecretRules, type SecretRules } from './secret-rules.ts';

/** `certain`: the shape belongs to one provider. `probable`: shape and name agree. `doubtful`: may well be none. */
export type Confidence = 'certain' | 'probable' | 'doubtful';

export interface SecretHit {
  rule: string;
  provider: string;
  /** The secret itself is text.slice(start, end). */
  start: number;
  end: number;
  confidence: Confidence;
  /** It stands where a secret would, and is none: an example, a mask, a reference. */
  placeholder: boolean;
}

export interface SecretOptions {
  /** Look once into base64 and URL encoding; default true. The hit is the encoded part. */
  decode?: boolean;
  /** Also find keys that letters stand right before or after, two end to end among them; default false. */
  within?: boolean;
}

export interface SecretScanner {
  find(text: string, options?: SecretOptions): SecretHit[];
}

const ranks: Readonly<Record<Confidence, number>> = { certain: 2, probable: 1, doubtful: 0 };

/** No secret is taken to be longer, so that a stream can be filtered with a bounded memory; a private key's text may be. */
export const longestSecret = 4_096;

export function createSecretScanner(rules: SecretRules = loadSecretRules()): SecretScanner {
  const finders: Finder[] = [...rules.tokens.map(finderOfToken), ...rules.named.map(finderOfName), finderOfGeneric()];
  const words = [...new Set(finders.flatMap((finder) => finder.keywords.map((word) => word.toLowerCase())))];
  const byWord = words.map((word) =>
    finders.filter(({ keywords }) => keywords.some((keyword) => keyword.toLowerCase() === word)),
  );
  const automaton = createKeywordAutomaton(words);

  function plain(text: string, within: boolean): SecretHit[] {
    const hits: SecretHit[] = [];
    automaton.scan(text, (word, start) => {
      const end = start + words[word]!.length;
      for (const finder of byWord[word]!) {
        const hit = finder.at(text, start, end, within);
        if (hit !== undefined) hits.push(hit);
      }
    });
    return hits;
  }

  return {
    find(text, { decode = true, within = false } = {}) {
      const hits = plain(text, within);
      if (decode) {
        for (const part of decodedParts(text)) {
          const inside = plain(part.text, within).filter(
            ({ placeholder, confidence }) => !placeholder && confidence !== 'doubtful',
          );
          if (inside[0] !== undefined) hits.push(whole(inside[0], part));
        }
      }
      return withoutOverlap(hits);
    },
  };
}

function whole(hit: SecretHit, { start, end }: EncodedPart): SecretHit {
  return { ...hit, start, end };
}

/** Of hits that overlap the surest stays, then the longest, then the first. */
function withoutOverlap(hits: SecretHit[]): SecretHit[] {
  hits.sort((a, b) => a.start - b.start || b.end - a.end);
  const kept: SecretHit[] = [];
  for (const hit of hits) {
    const last = kept.at(-1);
    if (last === undefined || hit.start >= last.end) kept.push(hit);
    else if (isBetter(hit, last)) kept[kept.length - 1] = hit;
  }
  return kept;
}

function isBetter(hit: SecretHit, than: SecretHit): boolean {
  if (hit.placeholder !== than.placeholder) return than.placeholder;
  if (hit.confidence !== than.confidence) return ranks[hit.confidence] > ranks[than.confidence];
  return hit.end - hit.start > than.end - than.start;
}

let shared: SecretScanner | undefined;

/** With the rules that are shipped; in the order of the text, without overlap. Time grows with the text's length. */
export function findSecrets(text: string, options?: SecretOptions): SecretHit[] {
  shared ??= createSecretScanner();
  return shared.find(text, options);
}
