// What a user is told, judged by stated rules and not by a model: what happens, what to do, when, in the user's language, in plain words.

export { admitsLimit } from './admission.ts';

/** Says that something is not as usual. */
const saysWhat =
  /indisponib|injoignab|n'est (pas|plus|pas encore) (joignable|disponible|accessible)|hors (ligne|service)|en pause|ne fonctionne pas|is (down|offline|paused)|not (reachable|working)|at capacity|limite .{0,30}atteint|limit (has been |was )?reached|inaccessib|ne répond(ent)? pas|interromp|interruption|coupé|panne|incident|perturb|difficult|problème|impossible|maintenance|surcharg|très sollicité|satur|mode (dégradé|limité|de secours|mémoire)|dégradé|temporairement|momentanément|limitée?s?\b|quota|épuisé|trop de (demandes|requêtes|messages)|incompl[eè]t|pas pu|n'a pas (pu|été)|pas (encore )?enregistré|en mémoire|file d'attente|mise? en attente|différée?\b|in (the|a|our) queue|queued|deferred|réponse (de secours|locale|enregistrée|automatique)|unavailab|not available|unreachable|not respond|interrupt|cut off|outage|trouble|problem|issue|went wrong|maintenance|overload|very busy|degraded|limited|temporar|quota|used up|exhausted|too many|incomplete|could ?n[o']t|cannot|can't|unable|failed|not (yet )?saved|in memory|fallback|saved answer|earlier answer/i;

/** Says what the user can do. */
const saysDo =
  /r[ée]essay|veuillez|merci de|rechargez|rafra[iî]chi|relancez|recommence|consultez|écrivez|appelez|refresh|e-?mail us|call us|check (back|the status)|start over|retent|patient|contact|adressez|revenez|reposez|reformul|attend(ez|re)|renvoy|continu(er|ez)|rien à faire|aucune action|conserv|gard(é|ons)|try again|retry|please wait|come back|contact|reload|ask again|resend|continue|carry on|no need to|nothing to do|kept|will be (sent|saved|answered)/i;

/** Says when things will be better. */
const saysWhen =
  /(dans|d'ici|sous|après|environ|pendant|patiente[rz]|attend(?:re|ez))\s+(environ\s+|quelques\s+|une?\s+|les prochaines\s+)?(\d+\s*|(?:deux|trois|quatre|cinq|dix|quinze|vingt|trente)\s+)?(s\b|sec|seconde|minute|min\b|heure|h\b|instant|moment|jour)|quelques (secondes|minutes|instants|heures)|un instant|plus tard|dès que|dès (le|son|la) (retour|rétablissement)|au (retour|renouvellement)|(reprendra|rétabli|enregistrés?) .{0,40}(automatiquement|d[eè]s|à \d)|à \d{1,2}\s?(h|:)|demain|ce soir|minuit|midi|demi-heure|quart d'heure|dans l'heure|sous peu|bientôt|prochainement|(vers|avant|jusqu'à|by|around|until|before) \d{1,2}\s?(h|:|am\b|pm\b)|\b\d{1,2}(:| ?h ?)\d\d\b|midnight|noon|tonight|half an hour|within the hour|shortly|\bsoon\b|(in|within|after|for|wait|about)\s+(about\s+|a few\s+|a\s+|an\s+|the next\s+)?(\d+\s*|(?:two|three|four|five|ten|fifteen|twenty|thirty)\s+)?(s\b|sec|second|minute|min\b|hour|moment|while|day)|a few (seconds|minutes|moments|hours)|a moment|later|as soon as|once .{0,40}(back|again|available|renewed)|when .{0,40}(back|again|available|renewed)|tomorrow|at \d{1,2}(:\d\d)?\b/i;

/** Words of the workshop that mean nothing to a user, and texts that were written for a developer. */
const jargon: readonly RegExp[] = [
  /\b(HTTP|API|SDK|JSON|SQL|TCP|DNS|TLS|SSL|URL|URI|CPU|RAM|OOM|LLM|SSE|ORM)\b/,
  /\b(timeout|timed out|upstream|backend|back-end|endpoint|proxy|socket|stack ?trace|traceback|(?<!sans |par |à |l'|d')exception|null pointer|undefined|NaN|payload|middleware|daemon|rate.?limit(ed|er)?|circuit.?breaker|fetch failed)\b/i,
  /\b(E(CONN|NOTF|TIMED|HOST|NET|PIPE|ACCES|NOENT|AI_|ADDR|PERM|BUSY|MFILE)[A-Z_]*|SQLITE_[A-Z_]+|UND_ERR_[A-Z_]+)\b/,
  /\b[A-Z]\w+(Error|Exception)\b/,
  // A link to a status page is help; an address of the workshop is not.
  /https?:\/\/(localhost|\d+\.\d+\.|api\.|[^\s/]{1,100}:\d)|\b(GET|POST|PUT|DELETE) \/?\w|\bat .{1,200}:\d+:\d+|\{\s*"/,
  /\b(error|erreur|status|statut|code|failed)\s*:?\s*[45]\d\d\b|\b[45]\d\d\s+(Unauthorized|Forbidden|Not Found|Too Many|Internal|Bad Gateway|Service Unavailable|Gateway)/i,
  /\b(internal (server )?error|erreur interne|cannot read propert|unexpected (token|end of)|syntax error|no such (table|column|file)|not a database|database (disk image|is locked))/i,
  /\b(sqlite|postgres(ql)?|mysql|redis|mongodb|nginx|express\.js|node\.js|python|flask|django|ollama|openai|mistral)\b/i,
];
const html = /<!doctype|<html|<head|<body|<h[1-6]\b|<p>|<div\b|<pre\b|<br\s*\/?>/i;

/** A name made for programs. On its own it is a field for programs; in a sentence a user stumbles over it. */
const identifier = /\b[a-z]+(_[a-z]+)+\b|\b[A-Z]{2,}(_[A-Z]+)+\b/;

export interface Wording {
  what: boolean;
  does: boolean;
  when: boolean;
  /** In the user's language, as far as the words tell; a text too short to tell counts as in it. */
  language: boolean;
  plain: boolean;
  /** The word or mark that made it not plain. */
  jargon: string | null;
  asksToWait: boolean;
}

const asksToWait =
  /r[ée]essay|retent|patient|attend(ez|re)|revenez|try again|retry|please wait|come back|check back|ask again/i;

/** Judges all that a reply says, its strings one by one joined. */
export function judgeWording(strings: readonly string[], language: 'fr' | 'en'): Wording {
  const text = strings.join('\n');
  const found =
    jargon.map((rule) => rule.exec(text)?.[0]).find((hit) => hit !== undefined) ??
    html.exec(text)?.[0] ??
    strings
      .map((one) => (/\s/.test(one.trim()) ? identifier.exec(one)?.[0] : undefined))
      .find((hit) => hit !== undefined) ??
    null;
  return {
    what: saysWhat.test(text),
    does: saysDo.test(text),
    when: saysWhen.test(text),
    language: languageOf(text) !== (language === 'fr' ? 'en' : 'fr'),
    plain: found === null,
    jargon: found,
    asksToWait: asksToWait.test(text),
  };
}

const stopWords = {
  fr: /\b(le|la|les|des|une?|est|et|vous|votre|vos|dans|pour|que|qui|nous|ce|cette|de|du|au|avec|sur|pas|plus|réessayez|sont)\b/gi,
  en: /\b(the|is|are|and|you|your|in|for|that|we|this|of|to|with|on|not|please|again|it|was|be|an?)\b/gi,
};

/** The language with clearly more of its small words; null when neither leads. */
export function languageOf(text: string): 'fr' | 'en' | null {
  const fr = text.match(stopWords.fr)?.length ?? 0;
  const en = text.match(stopWords.en)?.length ?? 0;
  if (fr >= en + 2 || (fr > 0 && en === 0)) return 'fr';
  if (en >= fr + 2 || (en > 0 && fr === 0)) return 'en';
  return null;
}
