// Names what spoke for a verdict: the features of the run that was found, with their weights.
import { createExtractor, type Extractor, type Naming, regions } from './features.ts';
import type { Lexicon } from './lexicon.ts';
import { featureValue, type Model, stride } from './model.ts';

export interface Reason {
  /** Meanings are in capitals, patterns in brackets, words as they stand in the text, parts of words after "…". */
  feature: string;
  weight: number;
}

export interface Reasons {
  /** All that a run has for and against, the strongest first; what stands several times is added up. */
  all(text: string, head: number): Reason[];
  /** The same of meanings and patterns alone. */
  meanings(text: string, head: number): Reason[];
}

export function createReasons(lexicon: Lexicon, model: Model): Reasons {
  let listener: Naming = () => {};
  const naming: Naming = (feature, name) => listener(feature, name);
  const whole = createExtractor(lexicon, { naming });
  // Without the parts of words, which are most of what there is.
  const words = createExtractor(lexicon, { naming, weights: [] });

  const named = (extractor: Extractor, text: string, head: number, wanted: (feature: number) => boolean): Reason[] => {
    const sums = new Map<string, number>();
    listener = (feature, name) => {
      const weight = model.weights[feature * stride + head]! * model.scales[head]! * featureValue(feature);
      if (weight !== 0 && wanted(feature)) sums.set(name(), (sums.get(name()) ?? 0) + weight);
    };
    extractor.extract(text);
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
