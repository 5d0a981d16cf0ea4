// Regular expressions that a fragment names before it checks with them: what they are called does not matter, what they say does.
import { eachMatch } from './each-match.ts';

const space = String.raw`\s{0,4}`;
const quoted = '(?:"[^"\\n]{1,200}"|\'[^\'\\n]{1,200}\'|`[^`\\n]{1,200}`)';
const declared = new RegExp(
  String.raw`\b(?<called>[A-Za-z_]\w{0,60})(?:${space}:${space}\w{1,40})?${space}:?=${space}(?:(?:re\.compile|regexp\.MustCompile|Pattern\.compile|new${space}Regex|new${space}RegExp)\(${space}[rR@]?(?<text>${quoted})|(?<literal>/\^[^\n/]{1,200}\$/[a-z]{0,4}))`,
  'g',
);
/** What it is asked with, and whether the whole text is then held to the shape without marks at its ends. */
export const askedOf = String.raw`\b(?<called>[A-Za-z_]\w{0,60})\.(?:(?<whole>fullmatch)|match|test|MatchString|IsMatch|matcher)\(${space}(?<name>[A-Za-z_]\w{0,60})${space}\)(?<matches>\.matches\(\))?`;

/** The shapes by their names; what is named twice may be either. */
export function namedShapes(bare: string): Map<string, string | null> {
  const shapes = new Map<string, string | null>();
  for (const { groups } of eachMatch(declared, bare)) {
    const called = groups?.called ?? '';
    shapes.set(called, shapes.has(called) ? null : (groups?.text?.slice(1, -1) ?? groups?.literal ?? null));
  }
  return shapes;
}
