// Where a fragment checks a variable against a list or a shape: from there on outsiders cannot put what they like in it.
import type { Reading } from './reading.ts';

export interface Guard {
  name: string;
  /** Offset in the text from which the check holds. */
  from: number;
}

const name = String.raw`\$?(?<name>[A-Za-z_]\w{0,60})`;
const space = String.raw`\s{0,4}`;
/** What a list of allowed values is called. */
const listName = String.raw`(?:[A-Z][A-Z0-9_]{2,60}|\w{0,40}(?:[aA]llow|[vV]alid|[sS]afe|[wW]hite|[pP]ermit|[sS]upported|[kK]nown|[aA]ccept|[tT]rusted|[rR]oles|[cC]olumns|[fF]ields|[oO]ptions|[cC]hoices|[pP]ages|[sS]orts?)\w{0,40})`;
const list = String.raw`(?<against>\$?(?:[A-Za-z_]\w{0,40}\.){0,3}${listName}(?:\(\))?|[\])}])`;
/** A list of what is refused lets all the rest through. */
const refuses = /(?:black|deny|denied|block|forbid|banned|bad|invalid|unsafe|malicious|disallow|untrusted)/i;

const memberships = [
  String.raw`\b(?:if|elif|unless|assert|or|and)\s{1,4}(?:not\s{1,4})?\(?${name}(?:\.lower\(\))?\s{1,4}(?:not\s{1,4})?in\s{1,4}(?<against>(?:\w{1,40}\.){0,3}${listName}\b|[[{(])`,
  String.raw`${list}\??\.(?:keySet\(\)\.)?(?:includes|has|contains|containsKey|Contains|ContainsKey|include\?|member\?|key\?|TryGetValue|indexOf)\(${space}${name}${space}[),]`,
  String.raw`\b(?:in_array|array_key_exists)\(${space}${name}${space},`,
  String.raw`\bslices\.Contains\(${space}(?<against>[\w.]{1,60})${space},${space}${name}${space}\)`,
  String.raw`(?<against>\$?\b${listName})\[${space}${name}${space}\]${space}(?:;|\)|\{|===?|!==?|\?\?)`,
  String.raw`\b(?:ctype_(?:alnum|digit|alpha|xdigit)|is_numeric|is_int|isAlphanumeric|isNumeric|isInteger|isSafeInteger|TryParse|isAlpha)\(${space}${name}${space}[),]`,
  String.raw`\b${name}\.(?:isdigit|isalnum|isdecimal|isnumeric|isidentifier|isalpha)\(\)`,
  // A compiled expression known by its name only.
  String.raw`\b\w{0,40}(?:RE|REGEX|PATTERN|Re|Regex|Regexp|Pattern|_re|_pattern|_regex)\.(?:fullmatch|match|test|MatchString|IsMatch|matcher)\(${space}${name}${space}\)`,
].map((source) => new RegExp(source, 'g'));

/** Regular expressions that hold a text from end to end and say which signs may stand in it. */
const shapes = [
  String.raw`\bre\.(?<whole>fullmatch|match)\(${space}[rR]?(?<shape>["'][^"'\n]{1,200}["'])${space},${space}${name}${space}[),]`,
  String.raw`(?<shape>/(?:\\A|\^)[^\n/]{1,200}(?:\$|\\z)/)[a-z]{0,3}\.(?:test|match\?)\(${space}${name}${space}\)`,
  String.raw`\bpreg_match\(${space}(?<shape>["'][^\n]{1,200}?["'])${space},${space}${name}${space}[),]`,
  String.raw`\bIsMatch\(${space}${name}${space},${space}@?(?<shape>"[^"\n]{1,200}")`,
  String.raw`\b${name}\.(?<whole>matches)\(${space}(?<shape>"[^"\n]{1,200}")${space}\)`,
  String.raw`\b${name}\.match\??\(${space}(?<shape>/[^/\n]{1,200}/)${space}\)`,
].map((source) => new RegExp(source, 'g'));
const anything = /\.[*+]|\[\^|\\S[*+]/;
const bothEnds = /(?:\^|\\A).*(?:\$|\\[zZ])/;

export function guardsOf({ bare }: Pick<Reading, 'bare'>): Guard[] {
  const found: Guard[] = [];
  for (const pattern of memberships)
    for (const { groups, index } of bare.matchAll(pattern))
      if (!refuses.test(groups?.against ?? '')) found.push({ name: groups?.name ?? '', from: index });
  for (const pattern of shapes)
    for (const { groups, index } of bare.matchAll(pattern)) {
      const shape = groups?.shape ?? '';
      const whole = groups?.whole !== undefined && groups.whole !== 'match';
      if (!anything.test(shape) && (whole || bothEnds.test(shape)))
        found.push({ name: groups?.name ?? '', from: index });
    }
  return found.sort((a, b) => a.from - b.from);
}
