// The sentences behind a check's points, as a reader of each language would write them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogues, type TextKey } from '../../platform/i18n/say.ts';
import { reasonSayer } from './say-reason.ts';

const [en, fr] = [reasonSayer('en'), reasonSayer('fr')];

test('reasonSayer() writes decimals as the language has them', () => {
  assert.match(fr('simulate.because.alert', { seconds: '0.0' }), /0,0 s/);
  assert.match(en('simulate.because.alert', { seconds: '0.0' }), /0\.0 s/);
  assert.match(fr('simulate.because.health', { seconds: '1.5', what: '/version 1.2.3' }), /1,5 s.*\/version 1\.2\.3/);
});

test('reasonSayer() inflects what it counts', () => {
  const spare = (count: number) => [fr('simulate.because.spare', { count }), en('simulate.because.spare', { count })];
  assert.match(spare(1).join(), /1 appel[^s].*1 call[^s]/);
  assert.match(spare(2).join(), /2 appels.*2 calls/);
  assert.match(fr('simulate.because.says-do', { count: 0, asked: 3 }), /0 réponse sur 3 disait/);
  assert.match(fr('simulate.because.no-do', { count: 1, asked: 3 }), /1 réponse sur 3 disait quoi faire/);
});

test('reasonSayer() has a sentence of its own for none at all', () => {
  assert.match(fr('simulate.because.no-when', { count: 0, asked: 4 }), /^Aucune/);
  assert.match(en('simulate.because.no-when', { count: 0, asked: 4 }), /^None/);
});

test('reasonSayer() leaves no place and no form open in any reason', () => {
  for (const lang of ['en', 'fr'] as const)
    for (const key of Object.keys(catalogues[lang]) as TextKey[]) {
      if (!key.startsWith('simulate.because.')) continue;
      const names = [...catalogues[lang][key].matchAll(/\{(\w+)/g)].map((match) => [match[1] ?? '', 3]);
      assert.doesNotMatch(reasonSayer(lang)(key, Object.fromEntries(names)), /[{}|]/, key);
    }
});
