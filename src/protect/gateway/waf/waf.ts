// Looks for attacks in what stands round a prompt: address, headers, and the fields of a body that nobody reads as a text.
import type { IncomingMessage } from 'node:http';
import type { Json } from '../../../platform/base/json.ts';
import type { Severity } from '../../../platform/journal/ocsf.ts';
import { fieldsOf } from './body-fields.ts';
import { createLeadsTo } from './reach.ts';
import type { WafAction, WafCategory, WafSettings } from './waf-config.ts';
import type { WafPlace, WafRule, WafRules } from './waf-rules.ts';

export interface WafMatch {
  rule: string;
  category: WafCategory;
  severity: Severity;
  place: WafPlace;
  action: Exclude<WafAction, 'off'>;
}

export interface Waf {
  head(req: Pick<IncomingMessage, 'url' | 'rawHeaders'>): readonly WafMatch[];
  body(body: Json): readonly WafMatch[];
}

interface Armed extends WafRule {
  action: Exclude<WafAction, 'off'>;
  finds(variants: readonly string[]): boolean;
}

/** Headers that hold no free text, or a credential that is looked at elsewhere. */
const unread: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'connection',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
]);
const none: readonly WafMatch[] = [];
/** Texts whose verdict is remembered: clients send the same headers again and again. */
const maxRemembered = 2_000;
const longestRemembered = 500;

export function createWaf({ rules, places }: WafRules, settings: WafSettings): Waf {
  if (settings.mode === 'off') return { head: () => none, body: () => none };
  const leadsTo = createLeadsTo(places, settings.allowedHosts);
  const byPlace = new Map<WafPlace, Armed[]>();
  for (const rule of rules) {
    const action = actionOf(rule, settings);
    if (action === 'off') continue;
    const armed = { ...rule, action, finds: finder(rule, leadsTo) };
    for (const place of rule.in) byPlace.set(place, [...(byPlace.get(place) ?? []), armed]);
  }
  const remembered = new Map<string, readonly WafMatch[]>();

  function judge(text: string, place: WafPlace): readonly WafMatch[] {
    const armed = byPlace.get(place);
    if (armed === undefined) return none;
    const variants = variantsOf(text, place);
    const found = armed.filter(({ finds }) => finds(variants));
    return found.length === 0
      ? none
      : found.map(({ id, category, severity, action }) => ({ rule: id, category, severity, place, action }));
  }

  function look(text: string, place: WafPlace): readonly WafMatch[] {
    if ((place === 'name' || place === 'note' || place === 'header') && isPlain(text)) return none;
    if (text.length > longestRemembered) return judge(text, place);
    const key = `${place} ${text}`;
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const found = judge(text, place);
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(key, found);
    return found;
  }

  return {
    head({ url = '/', rawHeaders }) {
      const query = url.indexOf('?');
      let found = look(query === -1 ? url : url.slice(0, query), 'path');
      if (query !== -1) found = joined(found, look(url.slice(query + 1), 'query'));
      for (let at = 0; at < rawHeaders.length; at += 2) {
        const name = rawHeaders[at]!.toLowerCase();
        if (unread.has(name)) continue;
        const value = rawHeaders[at + 1]!;
        found = joined(found, look(value, 'header'));
        if (name === 'user-agent') found = joined(found, look(value, 'agent'));
      }
      return found;
    },
    body(body) {
      let found = none;
      for (const { text, place } of fieldsOf(body)) found = joined(found, look(text, place));
      return found;
    },
  };
}

/** One word of letters and digits, which no rule of these places can find anything in. */
function isPlain(text: string): boolean {
  return text.length <= 64 && /^[\w.-]*$/.test(text) && !text.includes('..');
}

function joined(some: readonly WafMatch[], more: readonly WafMatch[]): readonly WafMatch[] {
  if (more.length === 0) return some;
  // One of each rule and place is enough to tell, however often a body repeats it.
  const news = more.filter(({ rule, place }) => !some.some((one) => one.rule === rule && one.place === place));
  return news.length === 0 ? some : [...some, ...news];
}

/** The narrower setting wins: of the rule, then of its category; where only detection is wanted, nothing is blocked. */
function actionOf({ id, category }: WafRule, settings: WafSettings): WafAction {
  const wanted = settings.rules[id] ?? settings[category];
  return wanted === 'block' && settings.mode === 'detect' ? 'detect' : wanted;
}

export function finder(
  { pattern, check }: WafRule,
  leadsTo: ReturnType<typeof createLeadsTo>,
): (variants: readonly string[]) => boolean {
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, 'u');
    return (variants) => variants.some((text) => expression.test(text));
  }
  return (variants) => variants.some((text) => leadsTo(text, check ?? 'private'));
}

/** The text as it came, and as it is once and twice decoded: what comes after us may decode it once more. */
export function variantsOf(text: string, place: WafPlace): string[] {
  const plain = place === 'query' ? text.replaceAll('+', ' ') : text;
  const first = plain.toLowerCase();
  const variants = [first];
  let last = first;
  for (let round = 0; round < 2 && last.includes('%'); round++) {
    last = decoded(last);
    if (!variants.includes(last)) variants.push(last);
  }
  // Full-width letters and the like are folded by some readers; comments are blanks to a database.
  const folded = /[^\0-\x7f]/.test(last) ? last.normalize('NFKC').toLowerCase() : last;
  const bare = folded.includes('/*') ? folded.replaceAll(/\/\*[^*]{0,200}\*\//g, ' ') : folded;
  for (const more of [folded, bare]) if (!variants.includes(more)) variants.push(more);
  return variants;
}

/** Percent-decoded as UTF-8; what is not valid stays as it is. */
function decoded(text: string): string {
  return text
    .replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => {
      try {
        return decodeURIComponent(run);
      } catch {
        return run.replaceAll(/%([0-7][0-9a-f])/gi, (_, code: string) =>
          String.fromCharCode(Number.parseInt(code, 16)),
        );
      }
    })
    .toLowerCase();
}
