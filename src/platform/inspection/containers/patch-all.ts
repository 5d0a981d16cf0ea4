// All patches of some files at once: applied round by round, since one fix may move or touch the place of another.
import type { SourceFile } from './compose-project.ts';
import { applyEdits, type TextEdit } from './fixes.ts';
import type { ContainerFinding } from './lint.ts';
import { unifiedDiff } from './unified-diff.ts';

const maxRounds = 12;

/** One diff over all files; files on whose changed lines a secret stands are left out. */
export function patchAll(
  files: readonly SourceFile[],
  lint: (files: readonly SourceFile[]) => readonly ContainerFinding[],
): string {
  const first = lint(files);
  let now = files;
  let findings = first;
  for (let round = 0; round < maxRounds; round += 1) {
    const next = now.map((file) => ({ ...file, text: applyEdits(file.text, chosen(findings, file.name)) }));
    if (next.every(({ text }, at) => text === now[at]?.text)) break;
    now = next;
    findings = lint(now);
  }
  return files
    .map(({ name, text }, at) => {
      const hidden = first
        .filter(({ file, rule }) => file === name && rule.includes('secret'))
        .map(({ line }) => line ?? 0);
      return unifiedDiff(name.replace(/^\/+/, ''), text, now[at]?.text ?? text, new Set(hidden)) ?? '';
    })
    .join('');
}

/** Those edits of one file that don't meet. */
function chosen(findings: readonly ContainerFinding[], file: string): TextEdit[] {
  const taken: TextEdit[] = [];
  for (const { patch, file: own } of findings) {
    if (patch === null || own !== file) continue;
    const meets = patch.edits.some((edit) => taken.some((other) => edit.start <= other.end && other.start <= edit.end));
    if (!meets) taken.push(...patch.edits);
  }
  return taken;
}
