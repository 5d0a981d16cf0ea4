// Names what spoke for a verdict: the features of the run that was found, with their weights.
import { createExtractor, type Naming, regions } from './features.ts';
import type { Lexicon } from './lexicon.ts';
import { type Best, featureValue, type Model, stride } from './model.ts';

export interface Reason {
  /** Meanings are in capitals, words as they stand in the text, parts of words after "…". */
  feature: string;
  weight: number;
}

export interface Reasons {
  /** All that spoke for and against, the strongest first; what stands several times is added up. */
  all(text: string, best: Best, head: number): Reason[];
  /** The same of meanings alone. */
  meanings(text: string, best: Best, head: number): Reason[];
}

export function createReasons(lexicon: Lexicon, model: Model): Reasons {
  let listener: Naming = () => {};
  const extractor = createExtractor(lexicon, (feature, name) => listener(feature, name));

  /** Segments come in order, so the features of the run are those between two counts. */
  const named = (
    text: string,
    { first, length }: Best,
    head: number,
    wanted: (feature: number) => boolean,
  ): Reason[] => {
    const found: { at: number; weight: number; name: string }[] = [];
    let at = 0;
    listener = (feature, name) => {
      const weight = model.weights[feature * stride + head]! * model.scales[head]! * featureValue(feature);
      if (weight !== 0 && wanted(feature)) found.push({ at, weight, name: name() });
      at++;
    };
    const { ends } = extractor.extract(text);
    const from = first === 0 ? 0 : ends[first - 1]!;
    const to = ends[first + length - 1]!;
    const sums = new Map<string, number>();
    for (const one of found)
      if (one.at >= from && one.at < to) sums.set(one.name, (sums.get(one.name) ?? 0) + one.weight);
    return [...sums]
      .map(([feature, weight]) => ({ feature, weight: Math.round(weight * 1000) / 1000 }))
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  };

  const { base, size } = regions.concepts;
  return {
    all: (text, best, head) => named(text, best, head, () => true),
    meanings: (text, best, head) => named(text, best, head, (feature) => feature >= base && feature < base + size),
  };
}
