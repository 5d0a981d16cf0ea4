import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sayer } from '../../platform/i18n/say.ts';
import { postureSarif, type Region } from './sarif.ts';
import { scanPaths } from './scan.ts';

interface Replacement {
  deletedRegion: Region;
  insertedContent?: { text: string };
}

/** As an editor does it: lines and columns from 1. */
function replaced(text: string, { deletedRegion: at, insertedContent }: Replacement): string {
  const lines = text.split('\n');
  const offset = (line: number, column: number) =>
    lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0) + column - 1;
  const [start, end] = [offset(at.startLine, at.startColumn), offset(at.endLine, at.endColumn)];
  return text.slice(0, start) + (insertedContent?.text ?? '') + text.slice(end);
}

test('postureSarif() tells each fix as lines and columns that an editor can apply, and never a secret', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-sarif-'));
  try {
    const file = join(dir, 'compose.yaml');
    const text = `# é 🔒\nservices:\n  a:\n    image: nginx:1.27\n    privileged: true\n    environment:\n      DB_PASSWORD: q7Lm2pXz9\n`;
    writeFileSync(file, text);
    const { sarif } = scanPaths({ paths: [file], lang: 'en', say: sayer('en'), now: Date.now });
    const log = postureSarif(sarif, { lang: 'en', version: '1.0.0', root: (name) => name });
    const { runs } = log as {
      runs: { results: { ruleId: string; fixes?: { artifactChanges: { replacements: Replacement[] }[] }[] }[] }[];
    };
    const fixes = runs[0]!.results.flatMap(({ ruleId, fixes: all = [] }) =>
      all.map((fix) => ({ ruleId, replacements: fix.artifactChanges[0]!.replacements })),
    );
    assert.ok(
      fixes.every(({ replacements }) => replacements.every(({ deletedRegion }) => deletedRegion.startLine > 0)),
    );
    const { replacements } = fixes.find(({ ruleId }) => ruleId === 'compose/privileged')!;
    assert.equal(replacements.reduce(replaced, text), text.replace('    privileged: true\n', ''));
    assert.ok(runs[0]!.results.some(({ ruleId }) => ruleId === 'compose/secret-environment'));
    assert.ok(!JSON.stringify(log).includes('q7Lm2pXz9'));
  } finally {
    rmSync(dir, { recursive: true });
  }
});
