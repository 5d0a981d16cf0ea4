// Weakness classes that a sentence may name in words, as `SQL injection` names CWE-89.
import { familyOf } from '../knowledge/cwe-family.ts';
import type { ToldFinding } from './facts.ts';

const classes: readonly (readonly [pattern: RegExp, cwe: string])[] = [
  [/\bsql[- ]injections?\b|\binjections? sql\b|\bsqli\b/, 'CWE-89'],
  [/\bcommand[- ]injections?\b|\binjections? de commandes?\b/, 'CWE-78'],
  [/\bcode[- ]injections?\b|\binjections? de code\b/, 'CWE-94'],
  [/\bprompt[- ]injections?\b|\binjections? de (?:prompts?|consignes?)\b/, 'CWE-1427'],
  [/\bxss\b|\bcross[- ]site[- ]scripting\b/, 'CWE-79'],
  [/\bcsrf\b|\bcross[- ]site[- ]request[- ]forgery\b/, 'CWE-352'],
  [/\bssrf\b|\bserver[- ]side[- ]request[- ]forgery\b/, 'CWE-918'],
  [/\bxxe\b|\bexternal entit(?:y|ies)\b|\bentités externes\b/, 'CWE-611'],
  [/\b(?:path|directory)[- ]traversal\b|\btraversée de (?:chemins?|répertoires?)\b/, 'CWE-22'],
  [/\bdeseriali[sz]ation\b|(?<!\p{L})désérialisation\b/u, 'CWE-502'],
  [/\bopen[- ]redirect(?:s|ions?)?\b|\bredirections? ouvertes?\b/, 'CWE-601'],
  [/\bbuffer[- ]overflows?\b|\bdébordements? de (?:tampon|pile|tas)\b/, 'CWE-120'],
];

/** Whether the findings that a sentence cites are of every class that it names, or speak of it themselves. */
export function namedClassesAreKnown(text: string, cited: readonly ToldFinding[]): boolean {
  const lower = text.toLowerCase();
  return classes.every(
    ([pattern, cwe]) =>
      !pattern.test(lower) ||
      cited.some(
        (finding) =>
          finding.cwe.some((one) => familyOf(one) === familyOf(cwe)) ||
          pattern.test(`${finding.weakness} ${finding.fix}`.toLowerCase()),
      ),
  );
}
