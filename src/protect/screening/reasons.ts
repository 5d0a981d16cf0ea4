// Names what spoke for a verdict: the features of the run that was found, with their weights.
import { featureValue, regions, type Sink } from './features.ts';
import type { Lexicon } from './lexicon.ts';
import type { Model } from './model.ts';
import { createReader, type Naming, type Reader } from './reader.ts';

export interface Reason {
  /** Meanings are in capitals, patterns in brackets, words as they stand in the text, parts of words after "…". */
  feature: string;
  weight: number;
}

export interface Reasons {
  /** All that a text has for and against, the strongest first; what stands several times counts once. */
  all(text: string, head: number): Reason[];
  /** The same of meanings and patterns alone. */
  meanings(text: string, head: number): Reason[];
}

/** Names are all that is asked for. */
const heedless: Sink = { open() {}, add: () => true, chars() {}, closeSegment() {} };

export function createReasons(lexicon: Lexicon, model: Model): Reasons {
  let listener: Naming = () => {};
  const naming: Naming = (feature, name) => listener(feature, name);
  const whole = createReader({ lexicon, sink: heedless, naming });
  // Without the parts of words, which are most of what there is.
  const words = createReader({ lexicon, sink: heedless, naming, letters: false });

  const named = (reader: Reader, text: string, head: number, wanted: (feature: number) => boolean): Reason[] => {
    const sums = new Map<string, number>();
    const seen = new Set<number>();
    const weights = model.weights[head]!;
    listener = (feature, name) => {
      if (!wanted(feature) || weights[feature] === 0 || seen.has(feature)) return;
      seen.add(feature);
      const called = name();
      sums.set(called, (sums.get(called) ?? 0) + weights[feature]! * model.scales[head]! * featureValue(feature));
    };
    reader.read(text);
    return [...sums]
      .map(([feature, weight]) => ({ feature, weight: Math.round(weight * 1000) / 1000 }))
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  };

  const isMeaning = (feature: number): boolean =>
    feature >= regions.patterns.base || (feature >= regions.concepts.base && feature < regions.form.base);
  return {
    all: (text, head) => named(whole, text, head, () => true),
    meanings: (text, head) => named(words, text, head, isMeaning),
  };
}
