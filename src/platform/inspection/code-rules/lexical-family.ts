// How each language writes words, comments and strings.
import type { Language } from '../ast/languages.ts';
import {
  braces,
  csharpString,
  goString,
  type Literal,
  phpEmbeds,
  phpString,
  plainString,
  pythonString,
  type Range,
  rubyString,
  scriptString,
} from './string-literals.ts';

export interface LexicalFamily {
  name: 'python' | 'script' | 'java' | 'go' | 'php' | 'ruby' | 'c' | 'csharp' | 'shell' | 'sql';
  word: RegExp;
  lineComments: readonly string[];
  blockComments: boolean;
  /** Whether a line's end can end a statement. */
  newlines: boolean;
  /** Code between `<?php` and `?>`. */
  embedded: boolean;
  string(text: string, at: number, slashOpens: boolean): Literal | null;
  embeds(text: string, from: number, to: number): Range[];
}

const word = () => /[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y;
const dollarWord = () => /[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*/y;

const families: Record<LexicalFamily['name'], LexicalFamily> = {
  python: family('python', {
    word: word(),
    lineComments: ['#'],
    blockComments: false,
    newlines: true,
    string: pythonString,
  }),
  script: family('script', {
    word: /#?[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*/y,
    newlines: true,
    string: scriptString,
  }),
  java: family('java', { word: dollarWord(), string: plainString }),
  c: family('c', { word: dollarWord(), string: plainString }),
  go: family('go', { word: word(), newlines: true, string: goString }),
  csharp: family('csharp', { word: /@?[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y, string: csharpString }),
  php: family('php', {
    word: /\$*[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y,
    lineComments: ['//', '#'],
    embedded: true,
    string: phpString,
    embeds: phpEmbeds,
  }),
  ruby: family('ruby', {
    word: /(?:@@?|\$)?[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*(?:[?!](?![=~]))?/y,
    lineComments: ['#'],
    blockComments: false,
    newlines: true,
    string: rubyString,
    embeds: (text, from, to) => braces(text, from, to, '#{'),
  }),
  shell: family('shell', { word: word(), lineComments: [], blockComments: false, newlines: true, string: plainString }),
  sql: family('sql', { word: word(), lineComments: ['--'], string: plainString }),
};

const ofLanguage: Record<Language, LexicalFamily['name']> = {
  python: 'python',
  javascript: 'script',
  typescript: 'script',
  tsx: 'script',
  java: 'java',
  go: 'go',
  php: 'php',
  ruby: 'ruby',
  c: 'c',
  csharp: 'csharp',
  bash: 'shell',
  sql: 'sql',
  yaml: 'shell',
  html: 'script',
  dockerfile: 'shell',
};

export function familyOf(language: Language): LexicalFamily {
  return families[ofLanguage[language]];
}

function family(
  name: LexicalFamily['name'],
  parts: Partial<LexicalFamily> & Pick<LexicalFamily, 'word' | 'string'>,
): LexicalFamily {
  return {
    name,
    lineComments: ['//'],
    blockComments: true,
    newlines: false,
    embedded: false,
    embeds: () => [],
    ...parts,
  };
}
