// Every text of a shipped playbook has its French; a user's own texts stay as they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPlaybooks } from './library.ts';
import { playbookTexts } from './playbook-texts.ts';

const { all } = await loadPlaybooks();
const en = playbookTexts('en');
const fr = playbookTexts('fr');

test('playbookTexts() has every name and instruction of the shipped playbooks in French', () => {
  const missing: string[] = [];
  const look = (where: string, english: string, french: string, written: string) => {
    if (english !== written || french === written) missing.push(`${where}: ${written}`);
  };
  for (const { name, read } of all) {
    const { playbook } = read;
    look(name, en.title(name, playbook), fr.title(name, playbook), playbook.name);
    look(name, en.about(name, playbook), fr.about(name, playbook), playbook.description ?? '');
    for (const step of Object.values(playbook.workflow)) {
      if (step.name === undefined) continue;
      look(name, en.step(step.name), fr.step(step.name), step.name);
      if (step.type !== 'action') continue;
      for (const { type, command = '' } of step.commands)
        if (type === 'manual')
          look(name, en.instruction(step.name, command), fr.instruction(step.name, command), command);
    }
  }
  assert.deepEqual(missing, []);
});

test('playbookTexts() leaves a user’s own words alone, even under a name that is known', () => {
  assert.equal(fr.step('Mon étape'), 'Mon étape');
  assert.deepEqual([fr.titleOf('Network cut'), fr.titleOf('Le mien')], ['Coupure du réseau', 'Le mien']);
  assert.equal(fr.instruction('Kill the containers', 'docker kill app'), 'docker kill app');
  assert.equal(fr.step('By hand: Mon étape'), 'À la main : Mon étape');
});
