// Whether what stands in a secret's place is only a stand-in for one: an example, a mask, a reference to where the secret is kept.

const words =
  /example|sample|placeholder|dummy|fake|change.?me|replace|insert|redacted|masked|removed|hidden|your|votre|exemple|remplac|todo|fixme|foobar|\bnull\b|\bnone\b|undefined|secret.?here|token.?here|key.?here|goes.?here|\bici\b|not.?a.?real|xxxx|0{8}|(?:^|[^a-z])test(?:ing)?(?:$|[^a-z])/i;
const wordBeforeHost =
  /:(?:my|your|db|the)?[-_]?(?:password|passwd|pass|pwd|secret|motdepasse|mdp|\*+|x+)\d{0,3}(?:@|$)/i;
const nothing =
  /^(?:my|the|some|mon|le)?[-_ ]?(?:super|db|api)?[-_ ]?(?:password|passwd|pass|pwd|secret|token|key|motdepasse|mdp|string|str|value|bool|boolean|true|false)(?:[-_ ]?\d{0,3})$/i;
/** What the makers of a format show it with: a token for the subject 1234567890, the test keys of Stripe's manual. */
const shownEverywhere = /eyJzdWIiOiIxMjM0NTY3ODkw|^(?:4eC39HqLyjWDarjtT1zdp7dc|BQokikJOvBiI2HlWgH4olfQ2)$/;
const references =
  /\$\{|\$\(|\{\{|<%|%\w+%|^\$[A-Za-z_]|^<.*>?$|^\[.*\]?$|\benv\b|environ|getenv|process\.|secrets\.|vault:|ref:|\*\*\*|\.\.\.|…|•/;

/** `body` is the value without the part that every key of its kind begins with. */
export function isPlaceholder(body: string): boolean {
  if (nothing.test(body) || wordBeforeHost.test(body) || shownEverywhere.test(body)) return true;
  // In a long random text a short word stands by chance.
  if (body.length <= 200 && (words.test(body) || references.test(body))) return true;
  return isMonotonous(body) || isSequence(body);
}

/** One character over and over, or very few different ones. */
function isMonotonous(body: string): boolean {
  const distinct = new Set(body.toLowerCase()).size;
  return body.length >= 8 && (distinct <= 3 || distinct * 6 <= Math.min(body.length, 36));
}

/** abcdef…, 123456…: most of it goes up by one from character to character. */
function isSequence(body: string): boolean {
  if (body.length < 8) return false;
  let rising = 0;
  const lower = body.toLowerCase();
  for (let at = 1; at < lower.length; at++) {
    const step = lower.charCodeAt(at) - lower.charCodeAt(at - 1);
    if (step === 1 || (lower[at - 1] === '9' && lower[at] === '0')) rising++;
  }
  return rising * 10 >= (lower.length - 1) * 7;
}
