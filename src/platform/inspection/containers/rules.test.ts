// Every rule proves itself on its own examples, and every patch removes what it was made for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Surroundings } from './compose-project.ts';
import { applyEdits } from './fixes.ts';
import { type ContainerFinding, lintCompose, lintDockerfile } from './lint.ts';
import { type ContainerRule, loadContainerRules } from './rules.ts';

const rules = loadContainerRules();
const modes: Readonly<Record<string, number>> = { 'open.env': 0o644, 'closed.env': 0o600 };
const surroundings: Surroundings = { mode: (path) => modes[path] };

function whole(scope: string, example: string): string {
  if (scope === 'dockerfile' || example.startsWith('services:')) return example;
  return `services:\n  app:\n${example.replace(/^/gm, '    ')}\n`;
}

function lint(rule: ContainerRule, text: string): ContainerFinding[] {
  const options = { rules, lang: 'en' as const };
  return rule.scope === 'dockerfile'
    ? lintDockerfile({ name: 'Dockerfile', text }, options)
    : lintCompose([{ name: 'compose.yaml', text }], options, surroundings);
}

for (const rule of rules) {
  test(`rule ${rule.id} finds its bad examples and passes its good ones`, () => {
    for (const example of rule.examples.bad) {
      const found = lint(rule, whole(rule.scope, example)).filter((one) => one.rule === rule.id);
      assert.ok(found.length > 0, `nothing found in:\n${example}`);
      for (const one of found) assert.doesNotMatch(one.message + one.fix, /(?<!\$)\{\w+\}/, example);
    }
    for (const example of rule.examples.good) {
      const found = lint(rule, whole(rule.scope, example)).filter((one) => one.rule === rule.id);
      assert.deepEqual(
        found.map(({ message }) => message),
        [],
        `found in:\n${example}`,
      );
    }
  });

  if (rule.fix.length > 0)
    test(`rule ${rule.id} offers a patch that removes what it found`, () => {
      let patched = 0;
      for (const example of rule.examples.bad) {
        const text = whole(rule.scope, example);
        for (const one of lint(rule, text).filter((found) => found.rule === rule.id)) {
          if (one.patch === null) continue;
          const after = applyEdits(text, one.patch.edits);
          const left =
            after === '' ? [] : lint(rule, after.trim().endsWith('app:') ? `${after}    image: a:1\n` : after);
          const same = (other: ContainerFinding) =>
            other.rule === one.rule && other.service === one.service && other.value === one.value;
          assert.ok(!left.some(same), `still there after:\n${one.patch.diff}\nin\n${after}`);
          patched += 1;
        }
      }
      assert.ok(patched > 0);
    });
}
