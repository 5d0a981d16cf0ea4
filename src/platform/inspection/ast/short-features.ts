// What gives a line or two of code away: names of a language's own library, and ways to write that no other has.
import type { Language } from './languages.ts';

/** Beside what longer texts are known by; a long text would meet some of these by chance. */
export const shortFeatures: readonly (readonly [Language, number, RegExp])[] = [
  [
    'python',
    3,
    /\b(?:pickle|json|yaml|os|sys|re|subprocess|requests|hashlib|random|logging|sqlite3|datetime|urllib|shutil|tempfile|np|pd|plt)(?:\.[a-z]\w*)+\([^;]*$/,
  ],
  ['python', 3, /[[({][^\n]* for \w+(?:, \w+)* in [^\n]+[\])}]\s*$|^\s*(?:if|for|while|with|def|class) [^\n;{]+:\s*$/m],
  ['python', 3, /\blambda(?: \w+(?:, ?\w+)*)?: /],
  ['python', 2, /\w+\([^\n]*\b\w+=(?:True|False|None)\b[^\n]*\)\s*$|\brequest\.(?:data|args|form|GET|POST)\b[^;\n]*$/m],
  [
    'javascript',
    3,
    /\b(?:app|router|server)\.(?:use|get|post|put|delete|listen)\(|\breq\.(?:query|body|params|headers|cookies)\b|\bres\.\w+\(/,
  ],
  ['javascript', 3, /[(=,+]\s*`[^`]*\$\{|\bJSON\.(?:parse|stringify)\(|\b(?:localStorage|process\.env|Math)\.\w/],
  ['javascript', 3, /\b(?:child_process|fs|axios|sessionStorage|navigator|window|document)\.[a-z]\w*\(/],
  ['typescript', 4, /\b(?:const|let) \w+: [A-Z]\w*(?:<[^>\n]*>)?(?:\[\])? =|\) as [A-Z]\w*;?\s*$/m],
  ['java', 4, /\b([A-Z]\w*)(?:<[^>\n]*>)? \w+ = (?:new )?\1\b[^\n]*\(|\bRuntime\.getRuntime\(\)|\.getInstance\("/],
  ['php', 4, /^\s*\$\w+(?:\[[^\]\n]*\])?\s*(?:\.?=[^=]|->)[^\n]*;\s*$/m],
  ['php', 3, /\b[a-z]\w*\([^\n]*\$[a-z]\w*\b(?!\.)[^\n]*\);\s*$/m],
  ['ruby', 3, /\b(?:YAML|File|Dir|ERB|Marshal|Digest::\w+|IO|Kernel|Open3|Time|ENV)\.[a-z]\w*[!?]?(?:[(\s]|$)[^;]*$/],
  ['c', 3, /\b(?:gets|fgets|strcat|strncpy|sprintf|snprintf|atoi|memset|fopen|fprintf|strlen)\s*\([^\n]*\);\s*$/m],
  ['csharp', 3, /\b(?:Process|File|Directory|Convert|Encoding|Path|Environment|Guid|Task)\.[A-Z]\w*(?:\.[A-Z]\w*)*\(/],
  ['bash', 3, /^\s*(?:\$ )?(?:export \w+=|\.\/[\w./-]+(?:\s|$)|[a-z][\w./-]*(?: [^\n(){};=]*)? && [a-z.])/m],
  [
    'bash',
    3,
    /^\s*(?:[A-Z_][A-Z0-9_]*=\S+ )+[a-z.]|^\s*(?:scp|rsync|tar|psql|mysql|nmap|nc|helm|terraform|find) [^\n]*(?:-\w|[/@])/m,
  ],
  ['yaml', 3, /^[\w.-]+:[ \t]*\n[ \t]+- ["'/\d]/m],
];

const mostLines = 3;

export function isShort(text: string): boolean {
  return text.split('\n', 20).filter((line) => line.trim() !== '').length <= mostLines;
}

/** A name and a sentence behind a colon: YAML to a grammar, a remark or an error to its reader. */
export function isRemark(text: string): boolean {
  return /^\s*[A-Z][\w -]{0,40}: (?:[^\s"'{[]+\s+){2}[^\n]+$/.test(text.trim());
}
