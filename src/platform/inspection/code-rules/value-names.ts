// What the names of variables, members and functions say of a value.
import { type Environment, nothing, type Value } from './value.ts';

export const constants =
  /^(?:[A-Z][A-Z0-9_]{2,}|[A-Z]|true|false|null|nil|None|True|False|undefined|NULL|nullptr|this|self|cls|iota|__file__|__dirname|__name__|__FILE__|__DIR__|__LINE__|int|string|var|const|let)$/;
export const selves = /^(?:self|this|cls|@)$/;
/** What comes out of these is a number, a truth, a date or a fresh id: nothing that a string can ride on. */
export const numeric =
  /(?:^|\.)(?:int|float|bool|len|Number|parseInt|parseFloat|Integer\.parseInt|Long\.parseLong|Integer\.valueOf|Long\.valueOf|intval|floatval|count|sizeof|strlen|atoi|strtol|Atoi|ParseInt|ParseUint|ParseFloat|ParseBool|Itoa|FormatInt|FormatUint|FormatBool|range|nameof|Integer|Float|to_i|to_f|size|length|Int32\.Parse|int\.Parse|Guid\.Parse|long\.Parse|Convert\.ToInt32|isinstance|hasattr|hash|id|ord|round|abs|sum|min|max|Math\.\w+|time\.time|datetime\.\w+|Date\.now|Date|date|uuid\d?|uuid\.uuid4|UUID\.randomUUID|randomUUID|UUID|includes|startsWith|startswith|endswith|endsWith|indexOf|hasOwnProperty|contains|equals|exists|isset|empty|in_array|is_\w+|BigDecimal|Decimal|Boolean|isEmpty|matches|test)\(\)$/;
/** JavaScript's give how many there are now. */
export const counting = /\.(?:push|unshift)\(\)$/;
/** Members that need no parentheses and give a number. */
export const measures = /\.(?:to_i|to_f|length|size|count|Length|Count|offsetWidth|offsetHeight)$/;
/** A name that says the value was cleaned is believed. */
const saysClean =
  /^(?:safe|escaped|sanitized|sanitised|quoted|encoded|clean|cleaned)(?:_|[A-Z])|(?:_|[a-z])(?:[eE]scaped|[sS]anitized|[qQ]uoted|[eE]ncoded)$/;
const formatting =
  /(?:^|\.)(?:format|sprintf|vsprintf|Sprintf|Sprint|Sprintln|String\.format|string\.Format|formatted|printf|concat|util\.format|string\.Concat|strcat|Concat|join|Join|implode|append|Append|AppendFormat|interpolate)(?:\(\))?$/;

/** What is looked up by a value is no longer that value: a record, a row, an element, what a file holds. */
const lookups =
  /(?:^|\.)(?:find|find_by\w{0,20}|findOne|findBy[A-Z]\w{0,40}|getBy[A-Z]\w{0,40}|loadUserBy\w{0,20}|findUnique|findFirst|findMany|findAll|findOrFail|get_object_or_404|get_or_404|first_or_404|FindAsync|FirstOrDefault\w{0,5}|SingleOrDefault\w{0,5}|objects\.get|query\.get|session\.get|getReferenceById|ReadFile|readFileSync|ReadAllText|ReadAllBytes|readAllBytes|readString|read_text)\(\)$/;
/** The name of a table that the program keeps for itself: it is set where the object is made, not by who calls. */
export const ownTables =
  /(?:^|\.)wpdb\.[a-z_]+$|^(?:this|self|cls|@)\.\w{0,20}(?:[tT]able|[tT]able_?[nN]ame|[pP]refix)$|^[a-z]{1,2}\.(?:table|tableName|prefix)$|\.(?:quoted_)?table_name$/;
/** A table of constants, which its name says it is. */
export const tables = /^[A-Z][A-Z0-9_]{2,60}\.(?:get|fetch|getOrDefault|GetValueOrDefault)\(\)$/;

/** An element by its key. */
export const lookedUp = /\.(?:get|fetch|getOrDefault|GetValueOrDefault|dig)\(\)$/;
/** One value again and again. */
export const repeated =
  /^(?:strings\.Repeat|str_repeat|array_fill|(?:Collections\.)?nCopies|Enumerable\.Repeat|Array\.new|Array\(\)\.fill)\(\)$|\.repeat\(\)$/;
/** What is cut off, put in order or made a list of: of what is written in the code nothing else comes out. */
const keeping =
  /\.(?:slice|substring|substr|trimEnd|trimStart|collect|toList|ToList|toArray|ToArray|To(?:Frozen|Immutable|Sorted)?Dictionary|AsReadOnly|to_a|TrimEnd|TrimStart|Substring|chomp|chop|rstrip|lstrip|removesuffix|delete_suffix|freeze|Trim|TrimRight|TrimSuffix|TrimLeft|TrimPrefix)\(\)$|^(?:r|l)?trim\(\)$|^(?:(?:mb_)?substr|Optional\.(?:of|ofNullable)|Objects\.requireNonNull)\(\)$/;
/** Of a package, or of none: what they are called on is no value. */
const bare = /^(?:strings\.\w+|r?trim|ltrim|substr|mb_substr|Optional\.\w+|Objects\.\w+)\(\)$/;
/** What stands in for what is missing. */
const instead = /\.orElse(?:Throw)?\(\)$/;

/** Functions of a package: what is formatted are the arguments alone. */
const ofPackage =
  /(?:^|\.)(?:Sprintf|Sprint|Sprintln|sprintf|vsprintf|String\.format|string\.Format|string\.Concat|util\.format|[sS]tring\.[jJ]oin|strings\.Join)\(\)$|^(?:implode|append)\(\)$/;
/** What puts its arguments where a format's first argument says. */
export const formats = /(?:^|\.)(?:Sprintf|sprintf|String\.format|util\.format)\(\)$/;
/** A directive that a text can ride on; those of numbers and truths carry none. */
export const textDirective = /%(?![-+ 0#]{0,3}\d{0,3}(?:\.\d{1,3})?l{0,2}[diuxXofegt%])/;
/** The same text in another dress: what went in comes out. */
const dresses =
  /(?:^String|^str|\.(?:toString|to_s|padStart|padEnd|toFixed|trim|strip|toUpperCase|toLowerCase|upper|lower|zfill|rjust|ljust))\(\)$/;

/** The value of a variable, by its name where nothing is known of it. */
export function nameValue(name: string, environment: Environment): Value {
  const known = environment(name.replaceAll('$', ''));
  if (known !== undefined) return known;
  if (constants.test(name) || saysClean.test(name) || name === 'quoted_table_name') return nothing;
  return { ...nothing, level: selves.test(name) ? 0 : 1 };
}

/** What a call makes of the value that it is a method of, and of its arguments. */
export function callValue(value: Value, name: string, args: Value): void {
  const level = ofPackage.test(name) ? args.level : Math.max(value.level, args.level);
  if (keeping.test(name) && (bare.test(name) ? args.level : value.level) === 0) {
    if (bare.test(name)) Object.assign(value, args);
    return;
  }
  if (level === 0 && instead.test(name)) return;
  if (dresses.test(name)) {
    const whole = /^\w/.test(name) && !name.includes('.') ? args : { ...value, level };
    Object.assign(value, { level: whole.level, built: whole.built, literal: whole.literal, list: false });
    return;
  }
  if (formatting.test(name)) {
    const text = value.literal + args.literal;
    // `','.join('?')` and the like give text that nobody outside can choose.
    const placeholders = /^[\s,?%s():$\d]*$/.test(text) && /[?%$:]/.test(args.literal);
    value.level = placeholders ? 0 : level;
    value.built = value.built || args.built || (!placeholders && level > 0 && /\w/.test(text));
    value.literal = text;
    value.list = false;
    return;
  }
  if (lookups.test(name)) {
    Object.assign(value, { level: Math.max(value.level, 1), built: false, list: false });
    return;
  }
  const glue = value.literal;
  value.level = Math.max(level, 1);
  value.built = value.built || args.built;
  value.literal = glue + (args.built ? args.literal : '');
  if (!/(?:^|\.)(?:split|splitlines|to_a|concat|push)\(\)$/.test(name)) value.list = false;
  else value.list = true;
}
