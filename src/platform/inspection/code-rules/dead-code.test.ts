// Branches a constant condition never takes are found; a condition that is not certain leaves both.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Language } from '../ast/languages.ts';
import { deadSpans } from './dead-code.ts';
import { readCode } from './read-code.ts';
import { textOf } from './value.ts';

function deadIn(language: Language, text: string): string[] {
  const reading = readCode(language, text);
  return deadSpans(reading).map((span) => textOf(reading, span));
}

const never: [Language, string, string[]][] = [
  ['java', 'int n = 86; if ((7 * 18) + n > 200) x = "safe"; else x = param;\n', ['x = param;']],
  ['java', 'int n = 86; if ((7 * 18) - n > 200) { x = param; } else { x = "safe"; }\n', ['{ x = param; }']],
  ['csharp', 'if (2 > 3) { x = p; }\ny = 1;\n', ['{ x = p; }']],
  ['javascript', 'if (1 + 2 * 3 === 7) { y = 2; }\nif (10 % 4 == 2) { x = 1; } else { x = p; }\n', ['{ x = p; }']],
  ['c', 'if (7 / 2 == 3) x = 1; else x = p;\n', ['x = p;']],
  ['php', '<?php\n$n = 5;\nif ($n >= 6) { $x = $p; }\n', ['{ $x = $p; }']],
  [
    'java',
    "String g = \"ABC\"; char c = g.charAt(1); switch (c) { case 'A': x = p; break; case 'B': x = \"b\"; break; case 'C': x = p; break; }\n",
    ["case 'A': x = p; break;", "break; case 'C': x = p; break;"],
  ],
];
for (const [language, text, dead] of never) {
  test(`deadSpans() finds in ${language} what never runs: ${text.trim().replaceAll('\n', ' ').slice(0, 60)}`, () =>
    assert.deepEqual(deadIn(language, text), dead));
}

const perhaps: [string, Language, string][] = [
  ['a condition on a parameter', 'java', 'if (n > 200) x = "safe"; else x = param;\n'],
  ['a number assigned twice', 'java', 'int n = 1; n = read(); if (n > 200) x = "safe"; else x = param;\n'],
  ['a number that is added to', 'javascript', 'let n = 1; n += more; if (n > 200) { x = 1; } else { x = p; }\n'],
  ['a call in the condition', 'csharp', 'if (Count(3) > 2) { x = 1; } else { x = p; }\n'],
  [
    'a sign of a text that may change',
    'java',
    'String g = "ABC"; g = in; char c = g.charAt(1); switch (c) { case \'A\': x = p; break; }\n',
  ],
  ['a language whose branches have no braces', 'python', 'if 2 > 3:\n    x = p\n'],
  ['a division by what may be nothing', 'c', 'if (n / 2 > 3) x = 1; else x = p;\n'],
];
for (const [what, language, text] of perhaps) {
  test(`deadSpans() leaves both branches of ${what} in ${language}`, () =>
    assert.deepEqual(deadIn(language, text), []));
}
