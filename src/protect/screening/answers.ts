// What an answer must not tell: secrets, personal data, the inside of systems, the operator's own instructions.
import { findInternal } from '../../platform/inspection/internal.ts';
import { mask } from '../../platform/inspection/mask.ts';
import { findPersonalData } from '../../platform/inspection/personal-data.ts';
import { findSecrets } from '../../platform/inspection/secrets.ts';
import { unveil } from '../../platform/inspection/unveil.ts';
import type { PromptEcho } from './answers-echo.ts';
import type { Action, AnswerCategory } from './policy.ts';
import type { Finding } from './verdict.ts';

export interface AnswerFinding extends Finding {
  category: AnswerCategory;
}

export interface AnswerSettings {
  policy: Readonly<Record<AnswerCategory, Action>>;
  /** The operator's instructions, made ready once per call. */
  echo?: PromptEcho;
  /** What the caller said before is no news to the caller; asked for data of persons and systems only, never for secrets. */
  isKnown?: (value: string, category: 'personal-data' | 'internal') => boolean;
  /** What stands for something masked. */
  label?: (category: AnswerCategory) => string;
}

export type ScreenedAnswer =
  | { kind: 'passed'; text: string; findings: readonly AnswerFinding[] }
  | { kind: 'masked'; text: string; findings: readonly AnswerFinding[] }
  /** `text` is what stands before the first thing that blocks. */
  | { kind: 'blocked'; text: string; category: AnswerCategory; findings: readonly AnswerFinding[] };

/** Findings in the order of the text; `from` leaves out what begins before it, though it is read. Throws what a broken rule throws. */
export function findInAnswer(text: string, settings: AnswerSettings, from = 0): AnswerFinding[] {
  const { policy, echo, isKnown = () => false } = settings;
  const found: AnswerFinding[] = [];
  if (policy.secret !== 'pass') for (const hit of secretsIn(text)) if (hit.start >= from) found.push(hit);
  if (policy['personal-data'] !== 'pass')
    for (const { kind, start, end } of findPersonalData(text, from))
      if (!isKnown(text.slice(start, end), 'personal-data'))
        found.push({ category: 'personal-data', rule: kind, start, end });
  if (policy.internal !== 'pass')
    for (const { kind, start, end } of findInternal(text, from))
      if (!isKnown(text.slice(start, end), 'internal')) found.push({ category: 'internal', rule: kind, start, end });
  if (policy['system-prompt'] !== 'pass' && echo !== undefined)
    for (const { start, end } of echo.find(text, from))
      found.push({ category: 'system-prompt', rule: 'shingles', start, end });
  return found.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** In the text as it stands, and in what it says once its escapes are read and what cannot be seen is left out. */
function secretsIn(text: string): AnswerFinding[] {
  const inPlain = (plain: string): AnswerFinding[] =>
    findSecrets(plain, { within: true }).flatMap(({ rule, start, end, confidence, placeholder }) =>
      placeholder || confidence === 'doubtful' ? [] : [{ category: 'secret', rule, start, end }],
    );
  const found = inPlain(text);
  const read = unveil(text);
  if (read === undefined) return found;
  for (const hit of inPlain(read.text)) {
    const [start, end] = [read.startOf(hit.start), read.endOf(hit.end)];
    if (!found.some((one) => one.start <= start && one.end >= end)) found.push({ ...hit, start, end });
  }
  return found;
}

export function screenAnswer(text: string, settings: AnswerSettings): ScreenedAnswer {
  return applyPolicy(text, 0, text.length, findInAnswer(text, settings), settings);
}

/** The part of a text from `start` to `end` as the policy lets it go. */
export function applyPolicy(
  text: string,
  start: number,
  end: number,
  found: readonly AnswerFinding[],
  { policy, label = (category) => `[masked: ${category}]` }: AnswerSettings,
): ScreenedAnswer {
  if (found.length === 0) return { kind: 'passed', text: text.slice(start, end), findings: found };
  const findings = found.filter((finding) => finding.start >= start && finding.end <= end);
  const blocking = findings.find(({ category }) => policy[category] === 'block');
  const until = blocking?.start ?? end;
  const masking = findings.filter(({ category, end: last }) => policy[category] === 'mask' && last <= until);
  const shifted = masking.map((finding) => ({ ...finding, start: finding.start - start, end: finding.end - start }));
  const shown = mask(text.slice(start, until), shifted, ({ category }) => label(category));
  if (blocking !== undefined) return { kind: 'blocked', text: shown, category: blocking.category, findings };
  return { kind: masking.length > 0 ? 'masked' : 'passed', text: shown, findings };
}
