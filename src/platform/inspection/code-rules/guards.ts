// Where a fragment checks a variable against a list or a shape: from there on outsiders cannot put what they like in it.
import { createKeywordAutomaton } from '../keyword-automaton.ts';
import { eachMatch } from './each-match.ts';
import { askedOf, namedShapes } from './named-shapes.ts';
import type { Reading } from './reading.ts';

export interface Guard {
  name: string;
  /** Offset in the text from which the check holds. */
  from: number;
}

const name = String.raw`\$?(?<name>[A-Za-z_]\w{0,60})`;
const space = String.raw`\s{0,4}`;
/** What PHP was sent under a fixed name is checked where it lies, before any variable holds it. */
const sent = String.raw`(?<name>\$_(?:GET|POST|REQUEST|COOKIE)\[${space}(?:'[\w-]{1,60}'|"[\w-]{1,60}")${space}\])`;
/** What a request brought, checked where it lies before any variable holds it. */
const brought = String.raw`(?<name>(?:req|request)\.(?:query|body|params|cookies|args|form)\.\w{1,60}|params\[:\w{1,60}\]|(?:req|request)\.(?:query|body|params|args|form)\[${space}(?:'[\w-]{1,60}'|"[\w-]{1,60}")${space}\])`;
const anyName = `${name}|${brought.replace('<name>', '<element>')}`;
/** What a list of allowed values is called. */
const listName = String.raw`(?:[A-Z][A-Z0-9_]{2,60}|\w{0,40}(?:[aA]llow|[vV]alid|[sS]afe|[wW]hite|[pP]ermit|[sS]upported|[kK]nown|[aA]ccept|[tT]rusted|[rR]oles|[cC]olumns|[fF]ields|[oO]ptions|[cC]hoices|[pP]ages|[sS]orts?)\w{0,40})`;
const list = String.raw`(?<against>\$?(?:[A-Za-z_]\w{0,40}\.){0,3}${listName}(?:\(\))?|[\])}])`;
/** A list of what is refused lets all the rest through. */
const refuses = /(?:black|deny|denied|block|forbid|banned|bad|invalid|unsafe|malicious|disallow|untrusted)/i;

interface Check {
  pattern: RegExp;
  /** One of them is in whatever it finds, whatever its case: most fragments hold none of most checks. */
  words: readonly string[];
}

function check(source: string, words: string): Check {
  return { pattern: new RegExp(source, 'g'), words: words.split(' ') };
}

/** `name in LIST`: no word is rare enough, but two blanks are. */
const inBlanks = /\sin\s/;
const isIn = new RegExp(
  String.raw`\b(?:if|elif|unless|assert|or|and)\s{1,4}(?:not\s{1,4})?\(?${name}(?:\.lower\(\))?\s{1,4}(?:not\s{1,4})?in\s{1,4}(?<against>(?:\w{1,40}\.){0,3}${listName}\b|[[{(])`,
  'g',
);
/** `LIST[name]`, tried where a bracket stands behind a name. */
const isKey = new RegExp(
  String.raw`(?<against>\$?\b${listName})\[${space}${name}${space}\]${space}(?:;|\)|\{|===?|!==?|\?\?(?!${space}\$?\k<name>\b))`,
  'y',
);

const memberships: readonly Check[] = [
  check(
    String.raw`${list}\??\.(?:keySet\(\)\.)?(?:includes|has|contains|containsKey|Contains|ContainsKey|include\?|member\?|key\?|indexOf)\(${space}${name}${space}[),]`,
    '.includes( .has( .contains( .containskey( .include?( .member?( .key?( .indexof(',
  ),
  // Unless what was not found is taken as it came.
  check(
    String.raw`${list}\.TryGetValue\(${space}${name}${space},(?![^;]{0,120}?[:=]${space}\k<name>\b)`,
    '.trygetvalue(',
  ),
  check(
    String.raw`${list}\??\.(?:includes|has|contains|include\?|member\?|key\?)\(${space}${brought}${space}[),]`,
    '.includes( .has( .contains( .include?( .member?( .key?(',
  ),
  // An address whose host is compared with a name that is written out.
  check(
    String.raw`\b${name}\.(?:hostname|host|origin|netloc|Host)${space}(?:[!=]==?)${space}["'\x60]`,
    '.hostname .host .origin .netloc',
  ),
  check(
    String.raw`${list}\.(?:includes|has|contains|Contains|include\?)\(${space}${name}\.(?:hostname|host|origin|Host)\b`,
    '.hostname .host .origin',
  ),
  check(
    String.raw`${list}\.(?:includes|has)\(${space}new${space}URL\(${space}(?:${anyName})${space}\)\.(?:hostname|host|origin)\b`,
    '.hostname .host .origin',
  ),
  check(
    String.raw`\b(?:urlparse|urlsplit)\(${space}${name}${space}\)\.(?:hostname|netloc)${space}(?:(?:not${space})?in\b|[!=]=)`,
    'urlparse( urlsplit(',
  ),
  check(
    String.raw`\bin_array\(${space}parse_url\(${space}${name}${space},${space}PHP_URL_HOST${space}\)`,
    'php_url_host',
  ),
  check(String.raw`\bin_array\(${space}(?:mb_)?strto(?:lower|upper)\(${space}${name}${space}\)${space},`, 'in_array('),
  check(String.raw`\b(?:in_array|array_key_exists)\(${space}${name}${space},`, 'in_array( array_key_exists('),
  check(
    String.raw`\b(?:in_array|array_key_exists)\(${space}${sent}${space}(?:\?\?${space}(?:''|""|null)${space})?,`,
    'in_array( array_key_exists(',
  ),
  check(
    String.raw`\bslices\.Contains\(${space}(?<against>[\w.]{1,60})${space},${space}${name}${space}\)`,
    'slices.contains(',
  ),
  check(
    String.raw`\b(?:ctype_(?:alnum|digit|alpha|xdigit)|is_numeric|is_int|isAlphanumeric|isNumeric|isInteger|isSafeInteger|TryParse|isAlpha)\(${space}${name}${space}[),]`,
    'ctype_ is_numeric( is_int( isalphanumeric( isnumeric( isinteger( issafeinteger( tryparse( isalpha(',
  ),
  check(
    String.raw`\b${name}\.(?:isdigit|isalnum|isdecimal|isnumeric|isidentifier|isalpha)\(\)`,
    '.isdigit() .isalnum() .isdecimal() .isnumeric() .isidentifier() .isalpha()',
  ),
  // A compiled expression known by its name only.
  check(
    String.raw`\b\w{0,40}(?:RE|REGEX|PATTERN|Re|Regex|Regexp|Pattern|_re|_pattern|_regex)\.(?:fullmatch|match|test|MatchString|IsMatch|matcher)\(${space}${name}${space}\)`,
    '.fullmatch( .match( .test( .matchstring( .ismatch( .matcher(',
  ),
];

/** Regular expressions that hold a text from end to end and say which signs may stand in it. */
const shapes: readonly Check[] = [
  check(
    String.raw`\bre\.(?<whole>fullmatch|match)\(${space}[rR]?(?<shape>["'][^"'\n]{1,200}["'])${space},${space}${name}${space}[),]`,
    're.fullmatch( re.match(',
  ),
  check(
    String.raw`(?<shape>/(?:\\A|\^)[^\n/]{1,200}(?:\$|\\z)/)[a-z]{0,3}\.(?:test|match\?)\(${space}${name}${space}\)`,
    '.test( .match?(',
  ),
  check(
    String.raw`\bpreg_match\(${space}(?<shape>["'][^\n]{1,200}?["'])${space},${space}${name}${space}[),]`,
    'preg_match(',
  ),
  check(String.raw`\bIsMatch\(${space}${name}${space},${space}@?(?<shape>"[^"\n]{1,200}")`, 'ismatch('),
  check(
    String.raw`\bregexp\.MustCompile\(${space}(?<shape>["\x60][^"\x60\n]{1,200}["\x60])${space}\)\.MatchString\(${space}${name}${space}\)`,
    'regexp.mustcompile(',
  ),
  check(
    String.raw`\bregexp\.MatchString\(${space}(?<shape>["\x60][^"\x60\n]{1,200}["\x60])${space},${space}${name}${space}\)`,
    'regexp.matchstring(',
  ),
  check(
    String.raw`\bPattern\.(?<whole>matches)\(${space}(?<shape>"[^"\n]{1,200}")${space},${space}${name}${space}\)`,
    'pattern.matches(',
  ),
  check(String.raw`\b${name}\.(?<whole>matches)\(${space}(?<shape>"[^"\n]{1,200}")${space}\)`, '.matches('),
  check(String.raw`\b${name}\.match\??\(${space}(?<shape>/[^/\n]{1,200}/)${space}\)`, '.match( .match?('),
];
const anything = /\.[*+]|\[\^|\\S[*+]/;
const bothEnds = /(?:\^|\\A).*(?:\$|\\[zZ])/;

const asked = check(askedOf, '.fullmatch( .match( .test( .matchstring( .ismatch( .matcher(');

const checks = [...memberships, ...shapes, asked];
const words = [...new Set(checks.flatMap((one) => one.words))];
const automaton = createKeywordAutomaton(words);
const checksOfWord = words.map((word) => checks.filter((one) => one.words.includes(word)));

/** An element as text, however it was spaced and quoted; a variable as it is. */
export function elementName(text: string): string {
  return text.replaceAll('"', "'").replace(/\s/g, '');
}

export function guardsOf({ bare }: Pick<Reading, 'bare'>): Guard[] {
  const found: Guard[] = [];
  const hold = (matches: Iterable<RegExpExecArray>) => {
    for (const { groups, index } of matches)
      if (!refuses.test(groups?.against ?? ''))
        found.push({ name: elementName(groups?.name ?? groups?.element ?? ''), from: index });
  };
  const worth = new Set<Check>();
  automaton.scan(bare, (word) => {
    for (const one of checksOfWord[word]!) worth.add(one);
  });
  if (inBlanks.test(bare)) hold(eachMatch(isIn, bare));
  hold(keysIn(bare));
  for (const one of memberships) if (worth.has(one)) hold(eachMatch(one.pattern, bare));
  for (const one of shapes) {
    if (!worth.has(one)) continue;
    for (const { groups, index } of eachMatch(one.pattern, bare)) {
      const shape = groups?.shape ?? '';
      const whole = groups?.whole !== undefined && groups.whole !== 'match';
      if (!anything.test(shape) && (whole || bothEnds.test(shape)))
        found.push({ name: groups?.name ?? '', from: index });
    }
  }
  if (worth.has(asked)) hold(byNamedShapes(bare));
  return found.sort((a, b) => a.from - b.from);
}

function* byNamedShapes(bare: string): Generator<RegExpExecArray> {
  const known = namedShapes(bare);
  if (known.size === 0) return;
  for (const match of eachMatch(asked.pattern, bare)) {
    const { called, whole, matches } = match.groups ?? {};
    const shape = known.get(called ?? '') ?? null;
    if (shape === null || anything.test(shape) || refuses.test(called ?? '')) continue;
    if (whole !== undefined || matches !== undefined || bothEnds.test(shape)) yield match;
  }
}

function* keysIn(bare: string): Generator<RegExpExecArray> {
  let least = 0;
  for (let at = bare.indexOf('['); at >= 0; at = bare.indexOf('[', Math.max(at + 1, least))) {
    let start = at;
    while (start > least && isWordSign(bare.charCodeAt(start - 1))) start--;
    if (start === at) continue;
    isKey.lastIndex = start > least && bare[start - 1] === '$' ? start - 1 : start;
    const match = isKey.exec(bare);
    if (match === null) continue;
    yield match;
    least = match.index + match[0].length;
  }
}

function isWordSign(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
}
