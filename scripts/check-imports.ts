// Who may import whom. Relative imports only, all ending in .ts; each rule carries its reason.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const verbs = ['protect', 'simulate', 'respond', 'analyze'];
/** Programs of their own, started by the keeper: no import leads to them, and they end themselves. */
const childPrograms = ['src/simulate/faults/resource/ballast.ts', 'src/simulate/faults/process/deaf-listener.ts'];
/** The only code that knows all parts. */
const doors = ['app.ts', 'app', 'main.ts', 'commands'];

interface Rule {
  from: (part: string) => boolean;
  to: (part: string) => boolean;
  why: string;
}
const rules: Rule[] = [
  {
    from: (p) => p === 'platform',
    to: (p) => p !== 'platform',
    why: 'platform lies below every part and imports none',
  },
  {
    from: (p) => verbs.includes(p),
    to: (p) => p !== 'platform',
    why: 'a verb imports platform only; what two verbs need lives below them',
  },
  {
    from: (p) => p === 'audit' || p === 'console',
    to: (p) => doors.includes(p),
    why: 'audit and console read results and decide nothing',
  },
  {
    from: (p) => p === 'config.ts',
    to: (p) => p !== 'platform',
    why: 'the configuration knows no part, parts know it',
  },
];

const problems: string[] = [];
for (const file of globSync('src/**/*.ts', { cwd: root })) {
  const source = readFileSync(join(root, file), 'utf8');
  const from = partOf(file);
  for (const match of source.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)'(\.[^']*)'/g)) {
    const target = match[1] ?? '';
    if (target.endsWith('.json')) continue;
    if (!target.endsWith('.ts')) problems.push(`${file}: "${target}" does not end in .ts`);
    const to = partOf(relative(root, normalize(join(root, dirname(file), target))));
    if (to === from) continue;
    // Parts read the configuration's types; its values reach them as arguments.
    if (to === 'config.ts' && new RegExp(`import type [^;]*'${target.replaceAll('.', '\\.')}'`).test(source)) continue;
    // Each part says what can be set of it; the configuration puts those together.
    if (from === 'config.ts' && target.endsWith('-config.ts')) continue;
    for (const rule of rules) {
      if (rule.from(from) && rule.to(to)) problems.push(`${file} imports ${target}: ${rule.why}`);
    }
  }
  if (file !== 'src/config.ts' && !doors.includes(from) && /process\.env\b/.test(source) && !/\.test\.ts$/.test(file)) {
    problems.push(`${file} reads process.env: config.ts is its only reader`);
  }
  if (
    file !== 'src/main.ts' &&
    !childPrograms.includes(file) &&
    /process\.exit\(/.test(source) &&
    !/\.test\.ts$/.test(file)
  ) {
    problems.push(`${file} calls process.exit: main.ts is the only file that ends the process`);
  }
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'imports: all as drawn' : `imports: ${problems.length} against the drawing`);
process.exitCode = problems.length === 0 ? 0 : 1;

function partOf(file: string): string {
  return normalize(file).split(/[\\/]/)[1] ?? '';
}
