// How one rule for secrets is tried at one keyword: patterns run at that place only, so time stays in proportion to the text.
import { entropy } from './entropy.ts';
import { isPlaceholder } from './placeholders.ts';
import type { NamedRule, TokenRule } from './secret-rules.ts';
import type { SecretHit } from './secrets.ts';

export interface Finder {
  keywords: readonly string[];
  /** Tries the rule where a keyword stands. `within`: also where letters stand right before or after it, for marks that no word holds. */
  at(text: string, start: number, end: number, within?: boolean): SecretHit | undefined;
}

/** Long enough, and with a sign or capitals that words do not have: a blob of random letters holds it once in ten millions. */
const unlikelyInWords = /^(?=.{4})(?:.*[_-]|[A-Z]{2})/;

const reach = 64;

export function finderOfToken(rule: TokenRule): Finder {
  const { id, provider, starts, before } = rule;
  const then = new RegExp(`${rule.follows}(?![A-Za-z0-9])`, 'y');
  const thenMore = new RegExp(rule.follows, 'y');
  const lead = before === undefined ? undefined : new RegExp(`${before}$`);
  return {
    keywords: starts,
    at(text, start, end, within = false) {
      // The automaton reads letters of either case; keys do not.
      const mark = text.slice(start, end);
      if (!starts.includes(mark)) return undefined;
      let from = start;
      if (lead !== undefined) {
        const found = lead.exec(text.slice(Math.max(0, start - reach), start));
        if (found === null) return undefined;
        from = start - found[0].length;
      }
      const anywhere = within && lead === undefined && unlikelyInWords.test(mark);
      if (!anywhere && !beginsWord(text, from)) return undefined;
      then.lastIndex = end;
      thenMore.lastIndex = end;
      const found = then.exec(text) ?? (anywhere ? thenMore.exec(text) : null);
      if (found === null) return undefined;
      const body = found[0];
      const value = text.slice(from, start) + body;
      const placeholder = isPlaceholder(value) || entropy(value) < (rule.entropy ?? 2.5);
      // What only announces the secret, such as `Bearer `, may stay readable.
      const announced = lead === undefined && /[\s=]["']?$/.test(mark) && !mark.startsWith('-----');
      const at = announced ? end : from;
      return { rule: id, provider, start: at, end: end + body.length, confidence: 'certain', placeholder };
    },
  };
}

/** Not inside a longer word; an escaped line end or a URL-encoded sign before it is no letter of its own. */
function beginsWord(text: string, at: number): boolean {
  if (at === 0 || !/[A-Za-z0-9]/.test(text[at]!) || !/[A-Za-z0-9]/.test(text[at - 1]!)) return true;
  return /\\[nrt]$|%[0-9A-Fa-f]{2}$|\\u[0-9A-Fa-f]{4}$/.test(text.slice(Math.max(0, at - 6), at));
}

/** From a name to the value given to it: `name_key = "`, `name: `, `"name", "`, `the name key is `, `--name `. */
const assignment =
  /[\w.-]{0,40}(?:[ \t]{1,3}[A-Za-zÀ-ÿ][\w.'’-]{0,15}){0,3}?["'`\]\\)]{0,4}[ \t]{0,16}(?:=>|->|\?=|\|\||={1,3}|:{1,3}=?|,|value[ \t]?=|\(|>|\bis\b|\best\b|(?<=--[\w-]{3,40})[ \t])\s{0,8}(?:(?:Bearer|Basic|bearer|basic|token|Token)[ \t]{1,2})?["'`\\([]{0,4}/y;

function valueAfter(text: string, end: number): number | undefined {
  assignment.lastIndex = end;
  const found = assignment.exec(text);
  return found === null ? undefined : end + found[0].length;
}

export function finderOfName(rule: NamedRule): Finder {
  const { id, provider, names } = rule;
  const value = new RegExp(`${rule.value}(?![A-Za-z0-9_])`, 'y');
  return {
    keywords: names,
    at(text, _start, end) {
      const from = valueAfter(text, end);
      if (from === undefined) return undefined;
      value.lastIndex = from;
      const found = value.exec(text)?.[0];
      if (found === undefined) return undefined;
      const placeholder = isPlaceholder(found) || entropy(found) < (rule.entropy ?? 2.5);
      return { rule: id, provider, start: from, end: from + found.length, confidence: 'probable', placeholder };
    },
  };
}

const strong = [
  'api_key',
  'apikey',
  'api-key',
  'api key',
  'secret',
  'token',
  'access_key',
  'accesskey',
  'access-key',
  'private_key',
  'privatekey',
  'auth',
  'credential',
  'clé api',
  'encryption_key',
  'signing_key',
  'licen',
];
const passwords = ['passw', 'passphrase', 'pwd', 'mot de passe', 'motdepasse', 'mot_de_passe', 'mdp'];
/** `pass` alone names a password as a key only: `"pass": "…"`, `SMTP_PASS=…`. */
const shortName = 'pass';
const shortNamed = /(?:^|[_.-])pass$/i;
const assigned = /^["'`]?\s{0,8}(?:=>|:=|=|:)\s{0,8}["'`]?$/;
const publicNames =
  /public|pubkey|\bid\b|_id$|hash|digest|checksum|sha\d|md5|uuid|commit|etag|name$|count|limit|max|length|type$|url$|uri$|path$|author|tokenizer|expire|ttl|algorithm|method|field|column|label|regex|pattern|getinstance$|header$/i;
/** What a standard calls a way of deriving or signing. */
const algorithmName = /^(?:PBKDF2|PBE)With\w+$|^Hmac(?:SHA|MD)\d|^PBKDF2$/i;
/** `generate_password(length=16)`: an argument named for a function, no value of the password. */
const namedArgument = /^[A-Za-z_]\w*=(?!=)/;
/** Belongs to a sentence, but to a value between quotes or behind an equals sign: no part of one may stay unmasked. */
const sentenceEnd = /[.:!?*_]+$/;
const quote = /["'`]/;
const anyValue = /(?![@/])[^\s\x80-\uffff"'`,;<>(){}[\]\\]{6,200}/y;
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const hex = /^[0-9a-f]{32,}$/i;
const reference =
  /^[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)+$|^[A-Z][A-Z0-9_]+$|^[a-z]+(?:[-_/ ][a-z]+)*$|^[a-z]+(?:[A-Z][a-z]+)+$|^[A-Z][a-z]+(?:[A-Z][a-z]+)*$|^\/|^https?:/;

/** Names of secrets in general; what is given to them must look like one. */
export function finderOfGeneric(): Finder {
  const keywords = [...strong, ...passwords, shortName].filter((word) => /^[\0-\x7f]+$/.test(word));
  return {
    keywords,
    at(text, start, end) {
      const short = end - start === shortName.length && text.slice(start, end).toLowerCase() === shortName;
      if (short && !/^["'\s:=]/.test(text.slice(end, end + 1))) return undefined;
      const from = valueAfter(text, end);
      if (from === undefined) return undefined;
      anyValue.lastIndex = from;
      const whole = anyValue.exec(text)?.[0] ?? '';
      const found = whole.replace(sentenceEnd, '');
      if (found.length < 6) return undefined;
      const name = nameAround(text, start, from);
      if (publicNames.test(name) || algorithmName.test(found)) return undefined;
      if (/[(,]/.test(text.slice(end, from)) && namedArgument.test(found)) return undefined;
      // `${NAME:?why}` says what is told where there is none; `:name` is a symbol, `--name` the next option.
      if (/^(?:\?|--|:\w+$)/.test(found)) return undefined;
      const quoted = /["'`]$/.test(text.slice(Math.max(0, from - 1), from));
      if (short && !(assigned.test(text.slice(end, from)) && shortNamed.test(name))) return undefined;
      if (short && !quoted && !/[_.-]pass$/i.test(name)) return undefined;
      const isPassword = short || passwords.some((word) => name.toLowerCase().includes(word));
      const confidence = isPassword ? passwordConfidence(found, quoted) : keyConfidence(found);
      if (confidence === undefined) return undefined;
      const isSetting =
        (quoted && quote.test(text[from + whole.length] ?? '')) || /=\s{0,8}$/.test(text.slice(end, from));
      return {
        rule: isPassword ? 'generic-password' : 'generic-key',
        provider: 'generic',
        start: from,
        end: from + (isSetting ? whole : found).length,
        confidence,
        placeholder: isPlaceholder(found),
      };
    },
  };
}

/** The whole identifier that the keyword is part of, and what stands between it and the value. */
function nameAround(text: string, start: number, from: number): string {
  const before = /[\w.-]{0,40}$/.exec(text.slice(Math.max(0, start - 40), start))?.[0] ?? '';
  return (before + text.slice(start, from)).replace(/["'`\s=:,(>[\]-]+$/, '');
}

function keyConfidence(value: string): SecretHit['confidence'] | undefined {
  // A query or a list of settings is no key.
  if (value.length < 12 || reference.test(value) || /[&=].*=./.test(value)) return undefined;
  const bits = entropy(value);
  if (bits < 3) return undefined;
  if (uuid.test(value) || hex.test(value)) return 'doubtful';
  const mixed = /[0-9]/.test(value) && /[A-Za-z]/.test(value);
  return mixed && value.length >= 16 && bits >= 3.3 ? 'probable' : 'doubtful';
}

function passwordConfidence(value: string, quoted: boolean): SecretHit['confidence'] | undefined {
  if (/^[\w$]+\??\.[\w$.?]+$|^\$|^[A-Z_]+$/.test(value)) return undefined;
  const mixed = /[0-9]/.test(value) && /[A-Za-z]/.test(value);
  const strange = /[^A-Za-z0-9._-]/.test(value);
  if ((mixed || strange) && (quoted || value.length >= 8)) return 'probable';
  return quoted ? 'doubtful' : undefined;
}
