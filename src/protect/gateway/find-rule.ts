// Which of several rules is for a model: the one that names it, else the first whose pattern fits.
import { canonicalModel, fitsModel } from './scopes.ts';

export type FindRule<T> = (model: string) => T | undefined;

export function createFindRule<T extends { model: string }>(rules: readonly T[]): FindRule<T> {
  const exact = new Map<string, T>();
  const patterns: { rule: T; pattern: string }[] = [];
  for (const rule of rules) {
    if (rule.model.includes('*')) patterns.push({ rule, pattern: canonicalModel(rule.model) });
    else exact.set(canonicalModel(rule.model), rule);
  }
  return (model) => {
    const name = canonicalModel(model);
    return exact.get(name) ?? patterns.find(({ pattern }) => fitsModel(pattern, name))?.rule;
  };
}
