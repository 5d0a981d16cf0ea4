// Whether a sentence says that a thing is missing, absent or to be avoided, rather than there. English and French.
import { eachMatch } from '../../platform/inspection/code-rules/each-match.ts';

/** What stands right before a thing that is missing: "without rate limiting", « pas de jeton ». */
const missing =
  /\b(no|not|without|lacks?|lacking|missing|absence of|lack of|never|neither|nor|instead of|forgot(ten)?( to)?|omit(s|ted)?|skip(s|ped)?|disabl(e|es|ed|ing)|remov(e|es|ed|ing)|(do|does|did|is|are|was|were|has|have|should|can|could|would)n'?t|pas (de |d'|du |les? |la |encore |non plus )?|aucune?s?|sans( aucune?)?|manque(nt)?( de| d')?|absence (de|d')|jamais|ni|au lieu (de|d')|oubli(e|er|ent)( de| d')?|desactiv(e|er|ez|ee)s?|n'(est|a|ont|utilisez?|emploie)|avoid(s|ed|ing)?|evite[rz]?( de| d')?|(better|safer|preferable|superior) (than|to)|(mieux|plus surs?|preferables?|meilleure?s?) (que|aux?)|carences?( de| d'| des)?|insuffisan(te?|ce)s?( de| d'| des)?|rather than|plutot que( de| d')?|a la place d[eu']|\w+ ne \w+ (pas|jamais|plus)( encore)?( de| d')?)\b/g;
/** "No data goes through X": the subject is what is missing. */
const noSubject = /\b(?:aucune? [\w' -]{1,30}? n(?:e |')|nothing [\w -]{0,20}|rien (?:ne |n'))[\w'`*" -]{0,30}$/;
/** Openings that look like negation and are none. */
const noNegation =
  /\b(not only|do ?n[o']t forget|never forget|not just|no doubt|without doubt|no matter|if not|non seulement|n'oubliez pas|sans oublier|ne pas oublier|pas seulement|pas uniquement|sans (aucun )?doute|whether or not|(never|do not|don't|not to|must not|should not|shouldn't|avoid|without|ne|n'|jamais|pas|evitez( de)?|sans) (\w+ ){0,2}(turn(ing)?|switch(ing)?|disabl(e|ing)|skip(ping)?|remov(e|ing)|deactivat(e|ing)|bypass(ing)?|desactive[rz]?|coupe[rz]?|supprime[rz]?|retire[rz]?|contourne[rz]?|oublie[rz]?|jamais desactive[rz]?)|not (only|just|merely)|nothing (but|beats))\b/;
/** Words before a weakness that say it is not there: "is not vulnerable to", « aucun risque de ». */
const absent =
  /\b((not|never|isn't|aren't|no longer) (be )?(currently )?(vulnerable|prone|subject|exposed|susceptible)( to)?|no ((known|obvious) )?(risk|danger|sign|evidence|trace)?( of| for)?|(free|safe|protected|secure) (of|from|against)|(immune|resistant) to|without (any |the )?(risk|danger)s?( of)?|(n'est|ne sont|n'est donc|n'est plus) (donc )?(pas|plus|jamais) (vulnerable|expose|sujet|sensible)e?s?( a| aux| au)?|aucune?( risque| danger| trace| faille| vulnerabilite| probleme)?( de type| de| d')?|(nothing (here )?(suggests|indicates|points to|hints at)|rien (n'indique|ne suggere|ne revele|ne montre|ne laisse (penser|supposer|craindre))( a)?)( an?| any)?|(found|find|finds|see|sees|saw|spot|spotted|detect|detects|detected|contains?) neither( [\w' -]{1,40} nor)?|(vois|voit|voyons|trouve|trouvons|constate|releve|detecte|contient) (donc |ici )?ni( [\w' -]{1,40} ni)?|(il n'y a|il n'existe|n'a|n'ont|ne presente(nt)?|ne contien(t|nent)|on ne voit|ne permet(tent)?|ne souffre(nt)?|ne craint) (donc |ici )?(pas|plus|aucune?) (non plus )?(ici )?(de |d')?(risque |danger |faille )?(de |d'|une? )?|(does|do|did)(n't| not) (suffer|have|allow|show|contain|introduce|permit|enable)( from)?( any| an?)?|(rules?|ruled|ruling) out|protect(s|ed|ing)? (you |us |users? |your \w+ |the \w+ )?(against|from)|proteg(e|ent|ez|er) (bien |donc )?(\w+ )?contre|(eliminates?|removes?|avoids?|prevents?|rules? out|supprime(nt)?|elimine(nt)?|ecarte(nt)?|evite(nt)?) (the |any |all |tout |le |les )?(risks?|risques?|possibility|possibilite)( of| de| d')?|(eliminates?|prevents?|stops?|blocks?) (any|all|every)|(exclut|ecarte)( tout)?( risque)?( de| d')?|pas de (risque|danger) (de |d')?|sans (risque|danger)( de| d')|(a l'abri|protegee?s?|immunisee?s?) (de|des|du|d'|contre))\s*(any |the |les? |la |l'|une? |des |de )?$/;

/** Is the thing at `start` in `folded` said to be missing? Looks at its own clause only. */
export function isMissing(folded: string, start: number): boolean {
  const before = clauseBefore(folded, start, 60);
  if (noNegation.test(before)) return false;
  if (noSubject.test(before)) return true;
  for (const match of eachMatch(missing, before)) {
    const between = before.slice(match.index + match[0].length);
    // "Instead of MD5, use argon2": what is replaced ends at the comma.
    if (between.includes(',') && /^(instead|rather|au lieu|plutot|a la place)/.test(match[0])) continue;
    // "should never be stored without X" is about X; three words is as far as a negation reaches.
    if (between.trim().split(/\s+/).filter(Boolean).length <= 3) return true;
  }
  return /^[^.,;\n]{0,24}\b(is|are|was|were|isn't|aren't|est|sont|n'est|ne sont) (missing|absent|disabled|off|turned off|never|not(?! only)|manquante?s?|absente?s?|desactivee?s?|jamais|pas(?! seulement))\b/.test(
    folded.slice(start, start + 120).replace(/^[\w-]+/, ''),
  );
}

const deniedWithin =
  /\S[ \n](?:(?:without|never|not(?! (?:only|just|merely))|isn't|aren't|wasn't|doesn't|don't|sans(?! privilege)|jamais|pas(?! seulement))\b|n(?:e |')[a-z])/;

/** Is a practice denied by the very words that name it: "images are shipped without a scan"? What begins with a negation means it. */
export function isDeniedWithin(met: string): boolean {
  return deniedWithin.test(met) && !/^(?:no|not|never|avoid|do|don't|without|ne|n'|pas|jamais|sans|evite)/.test(met);
}

/** What a user tells of their own work; a wish, a question or hearsay shows nothing. */
const own =
  /\b(we|i|our|my|us|nous|je|j'\w*|on|notre|nos|mon|ma|mes)\b[^.?!\n]*\b(use[sd]?|using|have|has|got|added|adds|sets?|enabled?|runs?|running|deploy(ed)?|implement(ed)?|already|hash(ed|es)?|stores?|stored|checks?|checked|validates?|encrypts?|encrypted|utilis\w+|emplo\w+|avons|ai|avez mis|mis|applique\w*|deja|active\w*|gere\w*|passe\w*|chiffr\w+|hach\w+|tourne\w*)\b/;
const wished =
  /\b(should|could|would|want(s|ed)?|need(s|ed)?|wish|must|can you|please|how (do|to|can)|tell me|told|heard|read about|considering|thinking|planning|comment|dois|doit|devons|devrai\w*|voudrai\w*|veux|voulons|faut|faudrait|peux|peut-on|pourr\w+|plait|svp|stp|dit (de|que)|entendu|parle|envisag\w+|reflechi\w+|quel(le)?s?)\b/;

/** Does the user say at `start` that they do it? */
export function isOwnPractice(folded: string, start: number): boolean {
  const from =
    Math.max(
      folded.lastIndexOf('\n', start - 1),
      folded.lastIndexOf('. ', start - 1),
      folded.lastIndexOf('? ', start - 1),
      folded.lastIndexOf('! ', start - 1),
      start - 200,
      -1,
    ) + 1;
  const end = folded.slice(start, start + 200).search(/[.!?\n]/);
  const sentence = folded.slice(from, end < 0 ? start + 200 : start + end);
  return own.test(sentence) && !wished.test(sentence);
}

/** What follows a weakness that cannot be: "is not possible here". */
const impossible =
  /^[\w'() -]{2,40}? (is|are|becomes?|est|sont|devient|deviennent) (therefore |then |thus |donc |alors |ici )?(not possible|impossible|prevented|excluded|ruled out|avoided|blocked|exclue?s?|evitee?s?|ecartee?s?|bloquee?s?|neutralisee?s?|(not|no) (really |longer )?(a |an |any )?(real )?(concern|problem|issue|risk|threat)(?! (if|when|as long|until|unless|in itself)))\b|^[\w'() -]{2,40}? (n'est|ne sont) (donc |ici |vraiment )*(pas|plus|jamais) (ici )?(un |une |des |a )?(vrai |veritable )?(risques?|problemes?|soucis?|danger|menaces?|craindre)\b/;

/** Is the weakness at `start` said not to be there? */
export function isAbsent(folded: string, start: number): boolean {
  return absent.test(clauseBefore(folded, start, 80)) || impossible.test(folded.slice(start, start + 100));
}

/** What opens an answer that denies what was asked. */
export const denial =
  /^[\s*_#>]*(?:no|non|nope|not really|pas vraiment|pas du tout|not at all|rassurez-vous|don't worry)\b/;

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
