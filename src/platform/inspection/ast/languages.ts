// The languages that the rule engine reads, and the labels that people write on code fences for them.

export const languages = [
  'python',
  'javascript',
  'typescript',
  'tsx',
  'java',
  'go',
  'php',
  'ruby',
  'c',
  'csharp',
  'bash',
  'sql',
  'yaml',
  'html',
  'dockerfile',
] as const;
export type Language = (typeof languages)[number];

const labels: Record<Language, readonly string[]> = {
  python: ['python', 'py', 'python3', 'python2', 'py3', 'ipython', 'gyp', 'jupyter', 'pycon', 'django', 'flask'],
  javascript: ['javascript', 'js', 'jsx', 'node', 'nodejs', 'mjs', 'cjs', 'ecmascript', 'es6', 'express'],
  typescript: ['typescript', 'ts', 'mts', 'cts', 'angular'],
  tsx: ['tsx'],
  java: ['java', 'spring', 'jsp'],
  go: ['go', 'golang'],
  php: ['php', 'php3', 'php5', 'php7', 'php8', 'phtml', 'laravel', 'blade'],
  ruby: ['ruby', 'rb', 'rails', 'erb', 'rake', 'gemfile'],
  c: ['c', 'h', 'cpp', 'c++', 'cc', 'cxx', 'hpp', 'hxx', 'objc', 'arduino', 'ino'],
  csharp: ['csharp', 'cs', 'c#', 'dotnet', 'aspnet', 'cshtml', 'razor'],
  bash: ['bash', 'sh', 'shell', 'zsh', 'ksh', 'console', 'shell-session', 'shellsession', 'terminal', 'dash'],
  sql: ['sql', 'mysql', 'postgresql', 'postgres', 'pgsql', 'plpgsql', 'tsql', 'sqlite', 'plsql', 'mssql', 'mariadb'],
  yaml: ['yaml', 'yml', 'docker-compose', 'compose', 'kubernetes', 'k8s', 'helm'],
  html: [
    'html',
    'htm',
    'xhtml',
    'html5',
    'jinja',
    'jinja2',
    'ejs',
    'handlebars',
    'hbs',
    'twig',
    'svelte',
    'vue',
    'django-html',
  ],
  dockerfile: ['dockerfile', 'docker', 'containerfile'],
};

const byLabel = new Map<string, Language>(
  Object.entries(labels).flatMap(([language, names]) => names.map((name) => [name, language as Language] as const)),
);

/** The language that a fence's label or a file's extension names, or null. */
export function languageOfLabel(label: string): Language | null {
  const word =
    label
      .trim()
      .toLowerCase()
      .replace(/^[.{]+/, '')
      .split(/[\s,:{}]/)[0] ?? '';
  return byLabel.get(word) ?? null;
}

export function isLanguage(name: string): name is Language {
  return (languages as readonly string[]).includes(name);
}
