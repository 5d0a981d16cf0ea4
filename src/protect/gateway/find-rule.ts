// Which of several rules is for a model: the one that names it, else the first whose pattern fits.
import { canonicalModel, fitsModel } from './scopes.ts';

export type FindRule<T> = (model: string) => T | undefined;

export function createFindRule<T extends { model: string }>(rules: readonly T[]): FindRule<T> {
  const exact = new Map<string, T>();
  const patterns: T[] = [];
  for (const rule of rules) {
    if (rule.model.includes('*')) patterns.push(rule);
    else exact.set(canonicalModel(rule.model), rule);
  }
  return (model) => exact.get(canonicalModel(model)) ?? patterns.find((rule) => fitsModel(rule.model, model));
}
