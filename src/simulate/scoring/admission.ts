// Whether a text openly says that it is no ordinary answer. Stricter than asking what happens: an ordinary answer may speak of
// problems, limits and failures too, so a sign counts only where it is about this service, this answer or this moment.

/** What an assistant says of itself and hardly of anything else. */
const plainSigns =
  /indisponib|injoignab|n'est (pas|plus) (encore )?(joignable|disponible|accessible)|hors (ligne|service)|not reachable|at capacity|limit (has been |was )?reached|ne (peut|peux|pouvons) (pas|plus) (vous )?(répondre|donner suite|traiter)|unavailab|unreachable|not available (right now|now|at the moment)|mode (dégradé|limité|de secours|mémoire|hors ligne)|(degraded|limited|fallback|offline) mode|réponse (de secours|de repli|locale|enregistrée|automatique|partielle|préparée)|(saved|earlier|cached|prepared|automatic|partial|fallback) (answer|reply|response)|(depuis|du|en) cache\b|from (the |our )?cache|pas (encore )?(été )?enregistré|not (yet |been )*saved|quota|trop de (demandes|requêtes|messages)|too many (requests|messages|questions)|r[ée]essay|retent(er|ez)|try again|ask again|come back (later|in|when|tomorrow)|revenez|maintenance|went wrong|indispo\b/i;

/** A failing word counts beside its subject, in one sentence and in either order. */
const subject =
  /\b(assistant|service|chatbot|bot|système|system|modèle|model|historique|history|sauvegarde|connexion|connection|réponses?|answers?|replies|reply|response|messages?|demandes?|requests?|nous|we|our|notre|nos|serveurs?|servers?|application|site|site web)\b/i;
const failing =
  /inaccessib|ne répond(ent)? (pas|plus)|interromp|interruption|coupée?s?\b|en panne|une panne|perturb|difficultés?\b|des problèmes|un problème|un incident|un souci|surcharg|très sollicité|satur|dégradé|limitée?s?\b|temporairement|momentanément|épuisé|incompl[eè]t|n'(a|ai|avons) pas pu|n'arriv|en mémoire|not respond|interrupt|cut (off|short)|outage|having (trouble|problems|difficult)|experiencing|overload|very busy|degraded|limited|temporarily|used up|exhausted|incomplete|could ?n[o']t|unable to|can't (answer|reply|reach)|cannot (answer|reply|reach|be)|in memory|is down|are down|kept for|file d'attente|mise? en attente|différée?\b|in (the|a|our) queue|queued|deferred/i;

/** An error admitted, with or without a word on what it is. */
const admitsError =
  /erreur (est|s'est) (survenue|produite)|erreur (technique|inattendue|inconnue|interne|de connexion)|\berror (has )?occurred|(unexpected|technical|unknown|internal) error|(problème|incident|souci|difficultés?) (technique|interne|de connexion|temporaire|momentané|est survenu|en cours)|panne (technique|en cours|est en cours|momentanée)|(technical|internal|temporary|connection) (problem|issue|trouble|difficult)|(désolée?|navrée?|excus|sorry|apolog)[^.!?\n]{0,80}(erreur|problème|souci|incident|panne|répondre|suite|error|problem|issue|trouble|answer|respond)/i;

/** What no one wrote for a user shows its failure openly, however badly. */
const rawError =
  /\b[A-Z]\w{2,}(Error|Exception)\b|\b(API key|HTTP ?[45]\d\d|status code|fetch failed|socket hang up|Internal Server Error|Unauthorized|Forbidden|Bad Gateway|error code|time[d ]? ?out|stack trace)\b|\b(Error|Erreur)\b ?(:|[45]\d\d)|\bE(CONN|NOTF|TIMED|HOSTUN|AI_)[A-Z]+|"error"\s*:/i;

/** Members whose very name says so, when they are neither false nor empty. */
const tellingName =
  /^(degraded|fallback|cached|queued|deferred|from_?cache|stale|notice|warnings?|partial|incomplete|truncated|interrupted|unavailable|limited|offline|errors?|error_?(code|message|type)|is_?(degraded|fallback|cached|partial))$/i;
const tellingValue =
  /^(degraded|dégradée?|queued|deferred|fallback|secours|cached?|stale|partial|partiel(le)?|incomplete|truncated|interrupted|offline|limited|limitée?|unavailable|error|erreur)$/i;

/** Whether a text says openly that it is a limited answer, or that something is wrong. */
export function admitsLimit(text: string): boolean {
  return (
    plainSigns.test(text) ||
    admitsError.test(text) ||
    rawError.test(text) ||
    sentencesOf(text).some((sentence) => failing.test(sentence) && subject.test(sentence))
  );
}

/** A member of a JSON body, judged by its name and its value. */
export function memberAdmits(name: string, value: unknown): boolean {
  if (typeof value === 'string' && tellingValue.test(value.trim())) return true;
  return Boolean(value) && tellingName.test(name) && !(Array.isArray(value) && value.length === 0);
}

export function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?…;])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}
