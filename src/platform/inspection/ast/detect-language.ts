// Says which language an unlabelled piece of code is in: cheap features choose a few candidates, their grammars vote.
import { parseCode } from './grammars.ts';
import type { Language } from './languages.ts';
import { isRemark, isShort, shortFeatures } from './short-features.ts';

export interface DetectedLanguage {
  language: Language;
  by: 'grammar';
  /** 0 to 1. */
  confidence: number;
}

/** Long blocks are judged by their head: parsing with a wrong grammar is slow. */
const sampleChars = 3000;
const candidateCount = 3;
const leastScore = 2;

const features: readonly (readonly [Language, number, RegExp])[] = [
  ['python', 4, /^\s*(?:async )?def \w+\(.*\).*:\s*(?:#.*)?$/m],
  ['python', 3, /^\s*(?:from [\w.]+ import |import [\w.]+(?: as \w+)?(?:, ?[\w.]+)*\s*$)/m],
  ['python', 3, /^\s*(?:elif .+|except\b.*|with .+ as \w+.*|if __name__ == .+|try|else|finally):\s*$/m],
  ['python', 2, /^\s*(?:if|for|while|class) [^{;]+:\s*(?:#.*)?$/m],
  ['python', 2, /\bself\.\w|\bNone\b|\bTrue\b|\bFalse\b|\bprint\(|\bnot in\b|\bf["'][^"'\n]*\{/],
  ['python', 1, /^\s*@\w[\w.]*(?:\(.*\))?$/m],
  ['python', 1, /^\s*#|^\w+ = [^;{]+$/m],
  ['javascript', 3, /\b(?:const|let|var)\s+[\w{[][^=:\n]*=(?!=)/],
  ['javascript', 3, /=>\s*[{(\w[`'"]|\bfunction\s*\w*\s*\([^)]*\)\s*\{/],
  [
    'javascript',
    3,
    /\brequire\(['"]|\bmodule\.exports\b|^\s*(?:import .* from ['"]|export (?:default|const|function|class))/m,
  ],
  [
    'javascript',
    2,
    /\bconsole\.(?:log|error)\(|\bdocument\.|\bwindow\.|===|!==|\bawait \w|\bres\.(?:send|json|render)\(/,
  ],
  ['javascript', 1, /`[^`]*\$\{|\bnew Promise\b|\.then\(|\bnull\b/],
  ['typescript', 4, /^\s*(?:export )?(?:interface|type|enum|declare) \w+(?:<[^>]*>)?\s*(?:=|\{|extends)/m],
  ['typescript', 4, /[\w)?]\s*:\s*(?:string|number|boolean|any|unknown|void|never|Promise<[^\n]*>|\w+\[\])\s*[,;)={|]/],
  [
    'typescript',
    3,
    /\bas (?:const|any|unknown|string|number)\b|\b(?:private|public|readonly|protected) \w+[?]?\s*[:(]|^import type /m,
  ],
  ['typescript', 2, /\b(?:const|let) [\w{]|=>|\bimport .* from ['"]/],
  [
    'tsx',
    5,
    /(?:return|=>|\()\s*\(?\s*<[A-Z>a-z][\w.]*[^;]*>[\s\S]*(?:interface \w+ \{|: \w+Props\b|:\s*(?:string|number|React\.))/,
  ],
  [
    'java',
    4,
    /\b(?:public|private|protected)\s+(?:static\s+)?(?:final\s+)?(?:class|interface|void|[A-Z]\w*(?:<[^>]*>)?|int|boolean|long)\s+\w+\s*[({=;]/,
  ],
  [
    'java',
    4,
    /^\s*import (?:static )?(?:java|javax|jakarta|org|com)\.[\w.*]+;|^\s*package [\w.]+;|\bSystem\.(?:out|getenv)\b/m,
  ],
  [
    'java',
    3,
    /^\s*@(?:Override|Autowired|GetMapping|PostMapping|RequestMapping|RestController|Entity|Bean|Test|Service)\b/m,
  ],
  ['java', 2, /\bnew [A-Z]\w*(?:<[^>]*>)?\([^)]*\)|\bthrows \w+|\bfinal \w+ \w+|\bString \w+\s*[=;,)]/],
  ['csharp', 4, /^\s*using (?:System|Microsoft|Newtonsoft)[\w.]*;|^\s*namespace [\w.]+\s*[;{]?/m],
  [
    'csharp',
    4,
    /\{\s*get;|\basync Task\b|\bIActionResult\b|\[Http(?:Get|Post|Put|Delete)|\[(?:ApiController|Authorize|Route)\b|\bforeach\s*\(\s*var\b/,
  ],
  [
    'csharp',
    3,
    /\bConsole\.Write|\bRequest\.(?:QueryString|Form)\b|\bbool \w+\s*[=;,)(]|\bvar \w+ = |\.(?:ToString|Add|Equals|Format|Parse|Execute\w*|Create)\(|\bstring \w+\s*[=;,)]|\$"|\bvar \w+ = (?:new|await) [A-Z]|\bSqlCommand\b|\bnull!;/,
  ],
  [
    'csharp',
    2,
    /\b(?:public|private|protected|internal)\s+(?:static\s+|async\s+|override\s+|readonly\s+)*[\w<>[\]?]+ \w+\s*[({=;]/,
  ],
  [
    'csharp',
    4,
    /^\s*using (?!namespace\b)[A-Z][\w.]*(?: = [\w.]+)?;|^\s*\/\/\/ <summary>|\bpartial class \w|^\s*#(?:end)?region\b/m,
  ],
  [
    'csharp',
    4,
    /\b(?:public|private|protected|internal)\s[\w<>[\]?,. ]{1,80}\s\w+\s*(?:\{\s*(?:get|private get)\b|=>)/,
  ],
  [
    'csharp',
    3,
    /\bstring(?:\[\])? \w+\s*[=;,)]|\b(?:override|virtual|sealed|internal) (?:async |static |readonly )?[\w<>]+ \w/,
  ],
  [
    'csharp',
    3,
    /^\s*\[[A-Z]\w*(?:\([^)\n]*\))?\]\s*$|^\s*(?:public|private|protected|internal)\b[\w<>[\]?,. ]{1,80} [A-Z]\w*\([^)\n]*\)\s*$/m,
  ],
  [
    'csharp',
    3,
    /\bforeach \(|\bclass \w+\s*:\s*[A-Z]\w|\b(?:IEnumerable|IList|Task|Func|ActionResult|Dictionary|ICollection)<|\bout (?:var|\w+) \w|=> [a-z]\w*\.[A-Z]\w|@"/,
  ],
  [
    'csharp',
    3,
    /\b\w+\.[A-Z][a-z]\w*\([^\n]*\)[\s\S]{0,400}\b\w+\.[A-Z][a-z]\w*\([^\n]*\)\s*;|\bvar \w+ = \w+\.[A-Z][a-z]\w*\b|\busing (?:var |\()/,
  ],
  [
    'java',
    3,
    /\b(?:implements|throws) [A-Z]\w|\bboolean \w|\bString(?:\[\])? \w+\s*[=;,)]|\bfinal [A-Z]\w*|\bclass \w+ extends [A-Z]\w*(?:<\w+>)? \{|\brecord \w+\(/,
  ],
  ['java', 2, /\b[a-z]\w*\.[a-z]\w*\([^\n]*\);|\b(?:List|Map|Set|Optional)<\w+>|\w+::\w+|^\s*@[A-Z]\w*/m],
  ['go', 5, /^\s*package \w+\s*$|^\s*func (?:\(\w* ?\*?\w+\) )?\w*\(.*\).*\{\s*$/m],
  [
    'go',
    4,
    /\bif err != nil\b|\bfmt\.(?:Print|Sprint|Errorf|Fprint)|\w+, (?:err|ok|_) :?= |\bdefer \w|\bgo func\(|\bchan \w/,
  ],
  ['go', 3, /\w :=\s|\btype \w+ (?:struct|interface) \{|^import \(|\[\]byte\(|\bnil\b/m],
  ['php', 6, /<\?(?:php|=)/],
  ['php', 4, /\$\w+\s*(?:=|->|\[)[^=]*;|\$_(?:GET|POST|SERVER|SESSION|COOKIE|REQUEST|FILES)\b/],
  ['php', 2, /->\w+\(|\becho\b[^;\n]*;|\bfunction \w+\([^)]*\$\w/],
  ['ruby', 4, /^\s*def (?:self\.)?\w+[?!]?(?:\(.*\))?\s*$[\s\S]*^\s*end\b/m],
  [
    'ruby',
    3,
    /\bdo \|[\w, ]+\||\.each\b|^\s*(?:attr_accessor|has_many|belongs_to|before_action|validates|require_relative|puts|gem) |\bclass \w+ < \w/m,
  ],
  ['ruby', 2, /^\s*end\s*$|\bunless\b|\bparams\[:|#\{|^\s*require ['"]|\.nil\?|=> ?['":]/m],
  ['c', 5, /^\s*#\s*include\s*[<"]|^\s*#define \w/m],
  ['c', 4, /\b(?:int|void|char|size_t|struct \w+|unsigned|static|double|float|long)\s*\*?\s*\w+\s*\([^;{)]*\)\s*\{/],
  [
    'c',
    3,
    /\b(?:char|int|void|struct \w+)\s*\*+\s*\w+|\b(?:malloc|printf|strcpy|memcpy|sizeof|free|scanf)\s*\(|\w->\w|\bchar \w+\[/,
  ],
  [
    'c',
    2,
    /^\s*(?:static |const |unsigned |struct )*(?:int|char|void|size_t|uint\d+_t|u?int|long|bool) \*?\w+(?:\[\w*\])?\s*[=;,]|\w->\w+\s*[=;.-]|\bstd::\w|\bcout\b|\bNULL\b|\bint main\(/,
  ],
  ['bash', 6, /^#!.*\b(?:ba|z|k|da)?sh\b/],
  [
    'bash',
    3,
    /^\s*\$ \w|^\s*(?:sudo|apt|apt-get|npm|npx|yarn|pip|pip3|docker|kubectl|git|curl|wget|cd|mkdir|chmod|chown|export|echo|source|ssh|systemctl|brew|openssl|cp|mv|rm|ls|cat|grep) [^=(;{]*$/m,
  ],
  ['bash', 3, /\bif \[\[? |;\s*(?:then|do)\b|^\s*(?:fi|done|esac)\s*$|\$\(\w|"\$\{?\w+\}?"|\bset -[eux]/m],
  ['bash', 1, /^\w+=["'$\w/]|\|\s*(?:grep|awk|sed|bash|sh|jq)\b|--\w+/m],
  [
    'sql',
    5,
    /^\s*(?:SELECT\s[\s\S]*?\sFROM\s|INSERT INTO\s|UPDATE\s+\S+\s+SET\s|DELETE FROM\s|CREATE (?:OR REPLACE )?(?:TABLE|INDEX|VIEW|USER|FUNCTION|PROCEDURE|DATABASE|ROLE|TRIGGER)\b|ALTER TABLE\s|GRANT\s|DROP TABLE\s|WITH \w+ AS \()/im,
  ],
  ['sql', 2, /\b(?:WHERE|VALUES|PRIMARY KEY|VARCHAR|JOIN|GROUP BY|ORDER BY|NOT NULL)\b/],
  [
    'yaml',
    4,
    /^(?:apiVersion|kind|services|version|name|on|jobs|metadata|spec|volumes|networks|image|steps|server|spring|stages):(?:\s|$)/m,
  ],
  ['yaml', 3, /^[\w.-]+:\s*$\n\s+(?:- )?[\w.-]+:/m],
  ['yaml', 2, /^\s*- [\w./-]+(?::\s.*)?$|^---\s*$|^\s*[\w-]+: (?:[\w"'./${}-][^;{(]*)?$/m],
  ['html', 5, /<!doctype html|<\/?(?:html|head|body|form|table|nav|section|ul|header)\b[^>]*>/i],
  ['html', 3, /^\s*<(?:div|script|p|a|h[1-6]|input|button|span|img|link|meta|template|style)\b[^>]*>/im],
];

const dockerInstruction =
  /^(?:FROM|RUN|CMD|LABEL|EXPOSE|ENV|ADD|COPY|ENTRYPOINT|VOLUME|USER|WORKDIR|ARG|ONBUILD|STOPSIGNAL|HEALTHCHECK|SHELL|MAINTAINER)\s+\S/;

/** The most likely language of `text`, or null when it looks like none of those the rules know (prose, logs, JSON). */
export function detectLanguage(text: string): DetectedLanguage | null {
  const sample = head(text);
  if (sample.trim() === '' || isJson(sample) || isRemark(sample)) return null;
  if (isDockerfile(sample)) return { language: 'dockerfile', by: 'grammar', confidence: 0.95 };
  if (foreign.test(sample) && !/<\?php|\bfunction \w/.test(sample)) return null;
  const scores = featureScores(sample);
  const candidates = [...scores].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, candidateCount);
  const [first] = candidates;
  if (first === undefined || first[1] < leastScore) return null;
  const judged = candidates
    .filter(([, score]) => score >= leastScore && score >= first[1] * 0.4)
    .map(([language, score]) => ({
      language,
      value: (score / first[1]) * (1 - 0.8 * errorShareOf(language, sample)),
      score,
    }))
    .sort((a, b) => b.value - a.value);
  const [best, second] = judged;
  if (best === undefined) return null;
  const margin = best.value - (second?.value ?? 0) * 0.5;
  const confidence = Math.round(Math.max(0.1, Math.min(0.99, margin * Math.min(1, best.score / 6))) * 100) / 100;
  // Prose trips over one feature at most, and no grammar takes it.
  if (best.score <= 3 && best.value < 0.6 && !looksLikeCode(sample)) return null;
  return { language: best.language, by: 'grammar', confidence };
}

function head(text: string): string {
  if (text.length <= sampleChars) return text;
  const cut = text.lastIndexOf('\n', sampleChars);
  return text.slice(0, cut > 0 ? cut : sampleChars);
}

/** Rust and others that no rule reads look like JavaScript from afar. */
const foreign =
  /^\s*(?:pub(?:\(\w+\))? )?(?:async )?(?:unsafe )?fn \w+(?:<[^>\n]*>)?\([^)]*\)\s*(?:->|\{|where)|\blet mut \w|^\s*(?:pub )?(?:impl|trait|mod)\b[^;\n]*\{|^\s*use (?:std|crate|super|self)::|#\[derive\(|\bSome\(\w+\) =>|&mut self|\.unwrap\(\)|\bprintln!\(/m;

function featureScores(sample: string): Map<Language, number> {
  const scores = new Map<Language, number>();
  for (const [language, weight, feature] of isShort(sample) ? [...features, ...shortFeatures] : features) {
    if (feature.test(sample)) scores.set(language, (scores.get(language) ?? 0) + weight);
  }
  // A page with a script in it scores for both; what it opens with decides.
  if (/^\s*<\?php/.test(sample)) scores.set('php', (scores.get('php') ?? 0) + 8);
  else if (/^\s*<(?:!doctype|html|div|form|head|body|script|template|[a-z]+[ >])/i.test(sample)) {
    scores.set('html', (scores.get('html') ?? 0) + 8);
  }
  // Java and C# say who may call what; without that, a call and a cast look alike in half of the languages.
  if (!/\b(?:public|private|protected|internal)\s+\w|^\s*(?:namespace|using) [A-Z]|^\s*import java/m.test(sample)) {
    const scripted =
      (scores.get('javascript') ?? 0) >= 3 && /\bfunction\b|\bconst \w+ =|\blet \w|===|\brequire\(/.test(sample);
    const pointed =
      !/\$\w/.test(sample) &&
      /\w->\w|^\s*#\s*(?:include|define|if|endif)|\bNULL\b|\bsizeof\b|\bstd::|\w::\w+\(|\b(?:char|void|int|struct \w+|unsigned)\s*\*|\bunsigned \w/m.test(
        sample,
      );
    for (const language of ['java', 'csharp'] as const) {
      const less = (scripted ? 5 : 0) + (pointed ? 7 : 0);
      if (less > 0 && scores.has(language)) scores.set(language, Math.max(0, scores.get(language)! - less));
    }
    if (pointed) scores.set('c', (scores.get('c') ?? 0) + 2);
  } else if (!/\$\w/.test(sample) && /\w->\w|^\s*#\s*include/m.test(sample))
    scores.set('c', (scores.get('c') ?? 0) + 3);
  // Plain JavaScript parses as TypeScript too: only its own marks make it TypeScript.
  if ((scores.get('typescript') ?? 0) <= 2) scores.delete('typescript');
  else scores.set('typescript', (scores.get('typescript') ?? 0) + (scores.get('javascript') ?? 0));
  return scores;
}

/** How badly a fragment fits a grammar; the most usual missing frames are added first. */
function errorShareOf(language: Language, sample: string): number {
  const frames: Partial<Record<Language, (code: string) => string>> = {
    php: (code) => (code.includes('<?') ? code : `<?php\n${code}`),
    java: (code) => (/\b(?:class|interface|enum|record) \w/.test(code) ? code : `class A {\n${code}\n}`),
    csharp: (code) => (/\b(?:class|interface|namespace|record) \w/.test(code) ? code : `class A {\n${code}\n}`),
    bash: (code) => code.replace(/^\s*\$ /gm, ''),
  };
  const plain = parseCode(language, sample)?.errorShare ?? 0.3;
  const frame = frames[language];
  if (frame === undefined || plain === 0) return plain;
  return Math.min(plain, parseCode(language, frame(sample))?.errorShare ?? 0.3);
}

function isDockerfile(sample: string): boolean {
  const lines = sample
    .replace(/\\\r?\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const instructions = lines.filter((line) => dockerInstruction.test(line)).length;
  return (
    instructions >= 1 &&
    instructions >= lines.length * 0.8 &&
    lines.some((line) => /^(?:FROM|RUN|COPY|CMD|ENTRYPOINT|WORKDIR)\s/.test(line))
  );
}

/** Statement ends, brackets and assignments on a good part of the lines. */
function looksLikeCode(sample: string): boolean {
  const lines = sample.split('\n').filter((line) => line.trim() !== '');
  return (
    lines.filter((line) => /[;{}]\s*$|^\s*[\w.$]+(?:\[\w+\])? ?[:+]?= |\w\(.*\)/.test(line)).length >=
    lines.length * 0.35
  );
}

function isJson(sample: string): boolean {
  return /^\s*[{[]\s*(?:"(?:[^"\\\n]|\\.)*"\s*[:,\]]|[{[\]}])/.test(sample) && !/[;=]\s*$/m.test(sample);
}
