// Names what spoke for a verdict: the features of the run that was found, with their weights.
import { createExtractor } from './features.ts';
import type { Lexicon } from './lexicon.ts';
import { type Best, featureValue, type Model, stride } from './model.ts';
import type { Role } from './verdict.ts';

/** The strongest first; what stands several times is added up. Meanings are in capitals, words as they stand, parts of words after "…". */
export function reasonsFor(
  lexicon: Lexicon,
  model: Model,
  text: string,
  { first, length }: Best,
  role: Role,
): { feature: string; weight: number }[] {
  const head = role === 'tool' ? 1 : 0;
  const named: { feature: number; name: string }[] = [];
  const { ends } = createExtractor(lexicon, (feature, name) => named.push({ feature, name })).extract(text);
  const sums = new Map<string, number>();
  for (const { feature, name } of named.slice(first === 0 ? 0 : ends[first - 1], ends[first + length - 1])) {
    const weight = model.weights[feature * stride + head]! * model.scales[head]! * featureValue(feature);
    sums.set(name, (sums.get(name) ?? 0) + weight);
  }
  return [...sums]
    .map(([feature, weight]) => ({ feature, weight: Math.round(weight * 1000) / 1000 }))
    .filter(({ weight }) => weight !== 0)
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
}
