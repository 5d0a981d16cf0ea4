// Names and instructions of playbooks in the user's language: those that Rempart brings are in the catalogue, others stay as written.
import { catalogues, type Lang, say, type TextKey } from '../../platform/i18n/say.ts';
import type { Playbook } from './playbook.ts';

/** How the step is called that asks people to do what an action could not. */
const byHand = 'By hand: ';

export interface PlaybookTexts {
  /** By the file's name without its ending. */
  title(file: string, playbook: Pick<Playbook, 'name'>): string;
  /** Of a run, which knows its playbook's name only. */
  titleOf(name: string): string;
  about(file: string, playbook: Pick<Playbook, 'description'>): string;
  step(name: string): string;
  /** What people are told to do at a step, or beside it. */
  instruction(step: string, command: string): string;
}

export function playbookTexts(lang: Lang): PlaybookTexts {
  const english = catalogues.en;
  /** The catalogue's text, where its English is what the playbook says: a user's own may use the same name for something else. */
  const known = (key: string, written: string): string =>
    Object.hasOwn(english, key) && english[key as TextKey] === written ? catalogues[lang][key as TextKey] : written;
  const step = (name: string): string =>
    name.startsWith(byHand)
      ? say(lang, 'playbooks.by-hand', { step: step(name.slice(byHand.length)) })
      : known(`playbooks.step.${slug(name)}`, name);
  return {
    title: (file, { name }) => known(`playbooks.name.${slug(file)}`, name),
    titleOf: (name) => {
      const key = Object.keys(english).find(
        (one) => one.startsWith('playbooks.name.') && english[one as TextKey] === name,
      );
      return key === undefined ? name : catalogues[lang][key as TextKey];
    },
    about: (file, { description = '' }) => known(`playbooks.about.${slug(file)}`, description),
    step,
    instruction: (name, command) =>
      known(`playbooks.do.${slug(name.startsWith(byHand) ? name.slice(byHand.length) : name)}`, command),
  };
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
