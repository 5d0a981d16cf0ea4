// Whether code is shown as a warning: said to be bad just before it, or marked so by a comment inside.
import type { CodeBlock } from '../conversation.ts';
import { fold } from '../prose/fold.ts';

const badInProse =
  /\b(bad|wrong|insecure|unsafe|vulnerable|dangerous|incorrect|naive|flawed|unsecured?) (example|code|version|way|practice|approach|implementation|pattern|query|snippet|usage)|\b(example of (a |an )?(vulnerab|insecure|unsafe|bad|[a-z]+ injection))|\b(do ?n[o']t|never|avoid)( ever)? (do|use|write|doing|using|writing)? ?(this|that|something like|code like|the following|it like)|\((do not|don't|never) (use|do|copy|run)\b|what not to do|anti-?pattern|not recommended|instead of( this| writing| using)?\s*:?\s*$|\bvulnerable\s*(\([^)]*\))?\s*:|\b(teaching|educational|training|demonstration) purposes only|\((bad|wrong|insecure|unsafe|vulnerable|dangereux|mauvais|a eviter|non securise)\)\s*:?\s*$|\bnever (use|run|deploy|ship) (it|this|that)\b|a (but|des fins|fins) (purement |uniquement |strictement )?(pedagogique|educati|de demonstration)|(^|\n)#{1,6} +(before|avant|bad|wrong|insecure|unsafe|vulnerable|mauvais|incorrect|non securise)e?(\s*\([^)\n]*\))?\s*:?$|\b(insecure|unsafe|bad|wrong|before|avoid)\s*(\([^)]*\))?\s*:\s*$|❌|🚫|⛔|\b(mauvais|mauvaise|dangereux|dangereuse|incorrect|incorrecte|naif|naive)s? (exemple|code|pratique|version|facon|maniere|approche)|(exemple|code|version|requete|pratique|approche)s? (vulnerable|dangereux|dangereuse|non securisee?|incorrecte?|a eviter|mauvaise?)s?|a ne (pas|jamais) (faire|reproduire|utiliser)|ne faites (pas|jamais)|n'utilisez (pas|jamais)|n'ecrivez (pas|jamais)|\bevitez\b|a eviter|\bau lieu (de|d')[^.\n]*:?\s*$|\b(vulnerable|non securise|avant|mauvais|incorrect)\s*(\([^)]*\))?\s*:\s*$/;
const badComment =
  /(?:#|\/\/|--|\/\*|<!--|;)\s*(?:❌|✗|✘|🚫|⚠️?)?\s*(?:bad|vulnerable|insecure|unsafe|wrong|don'?t|do not|never|avoid|danger|dangerous|not safe|anti-?pattern|mauvais|vulnerable|dangereux|incorrect|non securise|a eviter|ne pas|jamais|avant|before|❌|✗)(?![a-z-])/;
const goodComment =
  /(?:#|\/\/|--|\/\*|<!--|;)\s*(?:✅|✔️?|✓)?\s*(?:good|safe|secure|secured|right|correct|fixed|better|after|recommended|instead|bon|bonne|securise|correct|corrige|apres|recommande|✅|✔|✓)(?![a-z-])/;
/** How much of the prose before a block speaks about that block. */
const reach = 160;

/** `line` from 1, in the block. Only an assistant presents code as a bad example; a comment counts whoever wrote it. */
export function isBadExample(block: CodeBlock, line: number): boolean {
  const marked = markedAbove(block.text, line);
  if (marked !== null) return marked === 'bad';
  if (block.author !== 'assistant') return false;
  let said = saidOf.get(block);
  if (said === undefined) {
    said = saidBad(block.before);
    saidOf.set(block, said);
  }
  return said;
}

/** Asked for each weakness and each practice in a block. */
const saidOf = new WeakMap<CodeBlock, boolean>();

function saidBad(before: string): boolean {
  const near = fold(before.slice(-reach).replaceAll(/\*+|__/g, '')).trimEnd();
  const paragraph = near.slice(near.lastIndexOf('\n\n') + 1);
  const match = paragraph.match(badInProse);
  if (match === null) return false;
  // « is not vulnerable », "no longer insecure".
  return !/\b(not|no longer|n'est (pas|plus)|isn't|aren't)\s+(a |an |une? )?$/.test(paragraph.slice(0, match.index));
}

/** The nearest mark above a line, within the same piece of code (an empty pair of lines ends it). */
function markedAbove(text: string, line: number): 'bad' | 'good' | null {
  const lines = text.split('\n').slice(0, line);
  for (let at = lines.length - 1, seen = 0; at >= 0 && seen < 25; at -= 1, seen += 1) {
    const folded = fold(lines[at] ?? '');
    if (goodComment.test(folded)) return 'good';
    if (badComment.test(folded)) return 'bad';
  }
  return null;
}
