// Whether a conversation concerns software at all: words such as helmet, bleach or vault mean something else in a kitchen.
import type { Spoken } from './spoken.ts';

const vocabulary =
  /\b(sql|xss|csrf|passwords?|mots? de passe|vulnerab\w*|chiffr\w+|encrypt\w*|crypto\w*|authenti\w+|apis?|servers?|serveurs?|docker\w*|kubernetes|k8s|containers?|conteneurs?|images? docker|source code|code|applications?|applis?|apps?|software|logiciels?|databases?|bases? de donnees|tokens?|jwts?|oauth\w*|openid|sso|mfa|2fa|keycloak|tls|ssl|https?|hash\w*|hach\w+|cves?|owasp|rgpd|gdpr|networks?|reseaux?|linux|python|java|javascript|typescript|php|laravel|symfony|node|express|react|vue|django|flask|spring|rails|golang|cloud|aws|azure|gcp|backend|frontend|websites?|sites? web|web|login|connexions?|injections?|hack\w*|pirat\w+|cyber\w*|malware|phishing|firewalls?|pare-feux?|deploy\w*|deploi\w*|clusters?|repos?|repository|depots?|git\w*|npm|pip|endpoints?|cookies?|sessions?|llms?|prompts?|machine learning|secrets?|terraform|ansible|helm|pipelines?|ci|cd|html|css|json|yaml|bugs?|debug\w*|logs?|dns|vpn|ssh|browser|navigateurs?|forms?|formulaires?|security|securite|pickle|joblib|md5|sha-?\d+|argon2\w*|bcrypt|aes|rsa|ecc|certificats?|certificates?|brute[- ]?force|force brute|debit|rate[- ]limit\w*|entrees|inputs?|validation|ollama|fastapi|onnx|ldap|xxe|ssrf|idor|waf|siem|soc|iam|kms|s3|rbac|pentests?|exploits?|attaquants?|attackers?|attacks?|attaques?|bounty|ransomware|privileges?|root|sudo|kernel|noyau|mobile|android|ios|api rest|microservices?|monolith\w*|load balancer|proxy|mysql|postgres\w*|mongo\w*|redis|kafka|orm|crud)\b/g;

/** Code speaks for itself; words must be two, or one in a few lines. */
export function isTechnical(spoken: readonly Spoken[], codeBlocks: number): boolean {
  if (codeBlocks > 0) return true;
  const words = new Set<string>();
  let length = 0;
  for (const { folded } of spoken) {
    length += folded.length;
    for (const [word] of folded.matchAll(vocabulary)) words.add(word);
    if (words.size >= 2) return true;
  }
  return words.size === 1 && length < 300;
}
