// Writes docs/errors.md from the error catalogue; with --check, only says whether it is up to date (exit 1 when not).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, errorCatalogue } from '../src/platform/base/errors.ts';
import { type Lang, say } from '../src/platform/i18n/say.ts';

const file = join(import.meta.dirname, '..', 'docs', 'errors.md');

const words = {
  en: {
    title: 'English',
    columns: ['Code', 'Exit', 'HTTP', 'What it says', 'What to do'],
  },
  fr: {
    title: 'Français',
    columns: ['Code', 'Sortie', 'HTTP', 'Ce que le message dit', 'Que faire'],
  },
} as const satisfies Record<Lang, { title: string; columns: readonly string[] }>;

/** The page as it has to be now. */
export function errorsPage(): string {
  const opening = [
    '# Errors',
    '',
    'Every error has one code, one sentence and one thing to do. Words in braces are filled in where the error happens.',
    'Exit is the exit code of a command, HTTP the status where a server answers. Written by `node scripts/docs.ts`.',
    '',
  ];
  return `${[...opening, ...table('en'), '', ...table('fr')].join('\n')}\n`;
}

function table(lang: Lang): string[] {
  const { title, columns } = words[lang];
  const codes = Object.keys(errorCatalogue).sort() as ErrorCode[];
  return [
    `## ${title}`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map(() => ' --- |').join('')}`,
    ...codes.map((code) => `| ${row(code, lang).join(' | ')} |`),
  ];
}

function row(code: ErrorCode, lang: Lang): string[] {
  const entry = errorCatalogue[code];
  const http = 'http' in entry ? String(entry.http) : '–';
  return [`\`${code}\``, String(entry.exit), http, say(lang, code), say(lang, `${code}.do`)].map((cell) =>
    cell.replaceAll('|', '\\|').replaceAll('\n', ' '),
  );
}

if (import.meta.main) {
  const page = errorsPage();
  const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (!process.argv.includes('--check')) {
    writeFileSync(file, page);
    console.log('docs/errors.md: written');
  } else if (current !== page) {
    console.error('docs/errors.md differs from the error catalogue: run "node scripts/docs.ts"');
    process.exitCode = 1;
  } else {
    console.log('docs/errors.md: as the catalogue has it');
  }
}
