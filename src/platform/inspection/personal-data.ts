// Personal data in a text, by shape and by check digits: e-mail, telephone, IBAN, card, French social security number, IP address.
import { isIPv6 } from 'node:net';

export type PersonalKind = 'email' | 'phone' | 'iban' | 'card' | 'nir' | 'ipv4' | 'ipv6';

export interface PersonalHit {
  kind: PersonalKind;
  start: number;
  end: number;
}

/** No datum is taken to be longer, so that a stream can be filtered with a bounded memory. */
export const longestDatum = 330;

/** In the order of the text, without overlap; `from` leaves out what begins before it. Patterns have bounded length, so time grows with the text's. */
export function findPersonalData(text: string, from = 0): PersonalHit[] {
  const hits: PersonalHit[] = [];
  if (text.includes('@')) findEmails(text, from, hits);
  if (/\d/.test(text)) {
    findMatches(text, from, iban, (at) => ibanEnd(text, at), 'iban', hits);
    findMatches(text, from, nir, (at, found) => (isNir(found) ? at + found.length : undefined), 'nir', hits);
    findMatches(text, from, card, (at, found) => (isCard(found) ? at + found.length : undefined), 'card', hits);
    findMatches(text, from, phone, (at, found) => (isPhone(found) ? at + found.length : undefined), 'phone', hits);
    findMatches(text, from, ipv4, (at, found) => (isPublicIpv4(found) ? at + found.length : undefined), 'ipv4', hits);
  }
  if (text.includes(':'))
    findMatches(text, from, ipv6, (at, found) => (isPublicIpv6(found) ? at + found.length : undefined), 'ipv6', hits);
  return withoutOverlap(hits);
}

/** What stands between groups of digits: French typography puts spaces there that do not break. */
const space = String.raw` \u00a0\u2007\u2009\u202f`;
const between = String.raw`[${space}.\u2011-]`;
const betweenSigns = new RegExp(String.raw`[${space}\u2011-]`, 'g');

const iban = new RegExp(String.raw`(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?=[${space}\u2011-]?[A-Z0-9]{4})`, 'g');
const nir = new RegExp(
  [
    '(?<!\\w)[1-478]',
    '\\d{2}',
    '(?:0[1-9]|1[0-2]|[2-9]\\d)',
    '(?:\\d{2}|2[ABab])',
    '\\d{3}',
    '\\d{3}',
    '\\d{2}(?!\\w)',
  ].join(`${between}?`),
  'g',
);
const card = new RegExp(String.raw`(?<![\w.-])[2-6](?:[${space}\u2011-]?\d){12,18}(?!\w)`, 'g');
const phone = new RegExp(
  String.raw`(?<![\w.+/-])(?:${[
    String.raw`(?:\+|00)33${between}?(?:\(0\)${between}?)?[1-9](?:${between}?\d{2}){4}`,
    String.raw`0[1-9](?:[${space}./\u2011-]?\d{2}){4}`,
    String.raw`\+[1-9]\d{0,2}(?:${between}?\(?\d{1,4}\)?){2,6}`,
    String.raw`\(?[2-9]\d{2}\)?${between}\d{3}${between}\d{4}`,
  ].join('|')})(?![\w/-]|[.]\d)`,
  'g',
);
const ipv4 = /(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)/g;
/** The last 32 bits may be written as those of version 4 are (RFC 4291, section 2.2). */
const ipv6 = /(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:]|\.\d)/g;

function findMatches(
  text: string,
  from: number,
  pattern: RegExp,
  endOf: (at: number, found: string) => number | undefined,
  kind: PersonalKind,
  hits: PersonalHit[],
): void {
  pattern.lastIndex = from;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const end = endOf(found.index, found[0]);
    if (end === undefined) pattern.lastIndex = found.index + 1;
    else hits.push({ kind, start: found.index, end });
  }
}

const localPart = /[A-Za-z0-9._%+-]/;
const domainPart = /(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![A-Za-z0-9-])/y;
/** Set aside for documentation (RFC 2606, RFC 6761). */
const nobody = /(?:^|\.)(?:example\.(?:com|org|net|fr)|exemple\.(?:com|fr)|example|invalid|test|localhost)$/i;

function findEmails(text: string, from: number, hits: PersonalHit[]): void {
  for (let at = text.indexOf('@', from); at !== -1; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < 64 && localPart.test(text[start - 1]!)) start--;
    domainPart.lastIndex = at + 1;
    const domain = domainPart.exec(text)?.[0];
    if (start === at || start < from || domain === undefined || nobody.test(domain)) continue;
    hits.push({ kind: 'email', start, end: at + 1 + domain.length });
  }
}

/** SWIFT's registry of IBAN: how long each country's is. */
const ibanLengths: Readonly<Record<string, number>> = Object.fromEntries(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 MA28 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 TN24 TR26 UA29 VA22 VG24 XK20'
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** ISO 7064, MOD 97-10, over the characters with single spaces or dashes between them. */
function ibanEnd(text: string, at: number): number | undefined {
  const length = ibanLengths[text.slice(at, at + 2)];
  if (length === undefined) return undefined;
  let compact = '';
  let end = at;
  while (compact.length < length && end < text.length) {
    const char = text[end]!;
    if (/[A-Z0-9]/.test(char)) compact += char;
    else if (char.replace(betweenSigns, '') !== '' || !/[A-Z0-9]/.test(text[end - 1]!)) return undefined;
    end++;
  }
  if (compact.length < length || /[A-Za-z0-9]/.test(text[end] ?? '')) return undefined;
  let rest = 0;
  for (const char of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1 ? end : undefined;
}

/** The key is 97 less the number modulo 97; Corsica's departments count as 19 and 18. */
function isNir(found: string): boolean {
  const compact = found
    .replace(/[^\dA-Za-z]/g, '')
    .replace(/2A/i, '19')
    .replace(/2B/i, '18');
  return BigInt(compact.slice(0, 13)) % 97n === 97n - BigInt(compact.slice(13));
}

const brands =
  /^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d{2}|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|6(?:011|5\d{2}|4[4-9]\d)\d{12}|62\d{14,17})$/;

function isCard(found: string): boolean {
  const digits = found.replace(/\D/g, '');
  return brands.test(digits) && luhn(digits);
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]);
    sum += at % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}

function isPhone(found: string): boolean {
  const digits = found.replace(/\D/g, '');
  return digits.length >= 8 && digits.length <= 15 && !/^0?123456789|^(\d)\1+$/.test(digits);
}

/** Not loopback, private, of documentation (RFC 5737) or of no host. */
function isPublicIpv4(found: string): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = found.split('.').map(Number);
  if ([a, b, c, d].some((part) => part > 255) || /(?:^|\.)0\d/.test(found)) return false;
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if ((a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254)) return false;
  if ((a === 192 && b === 0 && c === 2) || (a === 198 && b === 51 && c === 100) || (a === 203 && b === 0 && c === 113))
    return false;
  // Four small numbers are a version more often than an address.
  return !(a < 10 && b < 30 && c < 30 && d < 30);
}

function isPublicIpv6(found: string): boolean {
  const rest = /:([\d.]*\.\d+)$/.exec(found)?.[1];
  if (rest !== undefined) return isIPv6(found) && isPublicIpv4(rest);
  return isIPv6(found) && found.length > 6 && !/^(?:f[cde]|::1$|2001:0?db8)/i.test(found) && /\d/.test(found);
}

function withoutOverlap(hits: PersonalHit[]): PersonalHit[] {
  hits.sort((a, b) => a.start - b.start || b.end - a.end);
  const kept: PersonalHit[] = [];
  for (const hit of hits) if (hit.start >= (kept.at(-1)?.end ?? 0)) kept.push(hit);
  return kept;
}
