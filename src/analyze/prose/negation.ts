// Whether a sentence says that a thing is missing, absent or to be avoided, rather than there. English and French.

/** What stands right before a thing that is missing: "without rate limiting", « pas de jeton ». */
const missing =
  /\b(no|not|without|lacks?|lacking|missing|absence of|lack of|never|neither|nor|instead of|forgot(ten)?( to)?|omit(s|ted)?|skip(s|ped)?|disabl(e|es|ed|ing)|remov(e|es|ed|ing)|(do|does|did|is|are|was|were|has|have|should|can|could|would)n'?t|pas (de |d'|du |les? |la |encore |non plus )?|aucune?s?|sans( aucune?)?|manque(nt)?( de| d')?|absence (de|d')|jamais|ni|au lieu (de|d')|oubli(e|er|ent)( de| d')?|desactiv(e|er|ez|ee)s?|n'(est|a|ont|utilisez?|emploie))\b/g;
/** Openings that look like negation and are none. */
const noNegation =
  /\b(not only|do ?n[o']t forget|never forget|not just|no doubt|without doubt|no matter|if not|non seulement|n'oubliez pas|sans oublier|ne pas oublier|pas seulement|pas uniquement|sans (aucun )?doute|whether or not)\b/;
/** Words before a weakness that say it is not there: "is not vulnerable to", « aucun risque de ». */
const absent =
  /\b((not|never|isn't|aren't|no longer) (be )?(currently )?(vulnerable|prone|subject|exposed|susceptible)( to)?|no ((known|obvious) )?(risk|danger|sign|evidence|trace)?( of| for)?|(free|safe|protected|secure) (of|from|against)|(immune|resistant) to|without (any |the )?(risk|danger)s?( of)?|(n'est|ne sont|n'est donc|n'est plus) (donc )?(pas|plus|jamais) (vulnerable|expose|sujet|sensible)e?s?( a| aux| au)?|aucune?( risque| danger| trace)?( de| d')?|(il n'y a|il n'existe|n'a|n'ont|ne presente(nt)?|ne contien(t|nent)|on ne voit) (pas|plus) (de |d')(risque |danger )?(de |d')?|pas de (risque|danger) (de |d')?|sans (risque|danger)( de| d')|(a l'abri|protegee?s?|immunisee?s?) (de|des|du|d'|contre))\s*(any |the |les? |la |l'|une? |des |de )?$/;

/** Is the thing at `start` in `folded` said to be missing? Looks at its own clause only. */
export function isMissing(folded: string, start: number): boolean {
  const before = clauseBefore(folded, start, 60);
  if (noNegation.test(before)) return false;
  for (const match of before.matchAll(missing)) {
    const between = before.slice(match.index + match[0].length);
    // "should never be stored without X" is about X; three words is as far as a negation reaches.
    if (between.trim().split(/\s+/).filter(Boolean).length <= 3) return true;
  }
  return /^[^.,;\n]{0,24}\b(is|are|was|were|isn't|aren't|est|sont|n'est|ne sont) (missing|absent|disabled|off|turned off|never|not(?! only)|manquante?s?|absente?s?|desactivee?s?|jamais|pas(?! seulement))\b/.test(
    folded.slice(start, start + 120).replace(/^[\w-]+/, ''),
  );
}

/** Is the weakness at `start` said not to be there? */
export function isAbsent(folded: string, start: number): boolean {
  return absent.test(clauseBefore(folded, start, 80));
}

/** Is it asked rather than told? A question shows interest, not practice. */
export function isAsked(folded: string, start: number): boolean {
  const end = folded.slice(start, start + 400).search(/[.!?\n]/);
  return end >= 0 && folded[start + end] === '?';
}

function clauseBefore(folded: string, start: number, reach: number): string {
  const from = Math.max(0, start - reach);
  const before = folded.slice(from, start);
  const cut = Math.max(
    before.lastIndexOf('\n'),
    before.lastIndexOf('. '),
    before.lastIndexOf('; '),
    before.lastIndexOf(': '),
    before.lastIndexOf(', mais '),
    before.lastIndexOf(', but '),
    before.lastIndexOf('! '),
    before.lastIndexOf('? '),
  );
  return before.slice(cut + 1);
}
