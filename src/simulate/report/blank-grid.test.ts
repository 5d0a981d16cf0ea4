// The grids for trainees: complete, in both languages, with nothing filled in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenarioIds, scenarioMethods } from '../../platform/documents/simulation.ts';
import { sayer } from '../../platform/i18n/say.ts';
import { blankObservations } from '../scoring/observations.ts';
import { blankGrid } from './blank-grid.ts';
import { escapeHtml } from './escape.ts';
import { renderPage } from './html.ts';
import { words } from './text.ts';

for (const lang of ['fr', 'en'] as const) {
  const { say, name } = words(lang);
  const html = renderPage(blankGrid(lang));

  test(`blankGrid() in ${lang} has a form for each scenario with each of its methods`, () => {
    for (const id of scenarioIds) {
      assert.match(html, new RegExp(`<h2 id="scenario-${id}">`));
      for (const method of scenarioMethods[id])
        assert.ok(html.includes(`☐\u00a0${escapeHtml(name(`report.method.${method}`, ''))}`), `${id}/${method}`);
    }
    assert.equal(html.split('____ / 100').length - 1, 6 * 3);
    assert.match(html, /____ \/ 600/);
  });

  test(`blankGrid() in ${lang} asks every observation that a report shows, by a text`, () => {
    for (const id of scenarioIds) {
      for (const row of blankObservations(id, sayer(lang))) {
        // A grade and a column stand in a row whose name is what comes before the last dot.
        const key = [row.id, row.id.replace(/\.[^.]+$/, '')].find(
          (one) => name(`report.observation.${one}`, '') !== '',
        );
        assert.ok(key !== undefined, row.id);
        assert.ok(html.includes(escapeHtml(name(`report.observation.${key}`, ''))), row.id);
      }
    }
  });

  test(`blankGrid() in ${lang} gives no answer and leaves no place unfilled`, () => {
    assert.doesNotMatch(html, /\{\w+\}|undefined|NaN|report\.|☑/);
    assert.ok(html.includes(escapeHtml(say('report.band.detection.18'))));
  });
}
