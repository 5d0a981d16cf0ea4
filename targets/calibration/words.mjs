// What people are told when the model is away, or when their messages are not saved yet.
import { defect, shape } from './defect.mjs';
import { currentKey } from './model.mjs';

const { LLM_BASE_URL, DB_PATH } = process.env;

/** The language it speaks; its users expect the one that its profile names. */
const english = shape('english') !== defect('wrong-language');

/** Boilerplate on every answer, good days and bad: it tells nothing about a failure. */
export const footer = defect('footer-for-all')
  ? {
      footer: english
        ? 'In case of problems, please try again in a few minutes or contact support.'
        : "En cas de problème, veuillez réessayer dans quelques minutes ou contactez l'assistance.",
    }
  : {};

export const notice = {
  notice: english
    ? 'Your messages are kept in memory and will be saved as soon as possible; you can carry on.'
    : 'Vos messages sont gardés en mémoire et seront enregistrés dès que possible ; vous pouvez continuer.',
};

/** The body that says that no answer can be had now. */
export function limited(error) {
  const text = defect('passes-errors-on') ? (error.said ?? 'fetch failed') : limitedText();
  if (!shape('errors') && !defect('error-as-success')) return { reply: text, ...leaks(error) };
  return { error: { message: text, type: 'service_unavailable', ...leaks(error) } };
}

/** Said after the pieces of an answer that broke off. */
export function brokenOff() {
  const message = english
    ? 'The answer was cut off. Please ask again in 10 seconds.'
    : 'La réponse a été interrompue. Reposez votre question dans 10 secondes.';
  return { error: { message, type: 'interrupted' } };
}

function leaks(error) {
  const body = {};
  const key = currentKey();
  if (defect('leaks-key')) body.debug = `key ${key}`;
  if (defect('leaks-key-base64')) body.debug = Buffer.from(`Bearer ${key}`).toString('base64');
  if (defect('leaks-key-masked')) body.debug = `${key.slice(0, 12)}****`;
  if (defect('leaks-host')) body.debug = `cannot reach ${new URL(LLM_BASE_URL).host}`;
  if (defect('leaks-path')) body.debug = `see ${DB_PATH}`;
  if (defect('leaks-stack')) body.debug = error.stack;
  if (defect('leaks-version')) body.debug = 'nginx/1.18.0';
  return body;
}

export function limitedHeaders() {
  return {
    ...(defect('no-retry-after') ? {} : { 'retry-after': '10' }),
    ...(defect('header-leaks-key') ? { 'x-debug-key': currentKey() } : {}),
  };
}

const texts = english
  ? {
      what: 'The assistant is temporarily unavailable.',
      todo: ' Please try again',
      back: ' It will be there',
      when: ' in 10 seconds',
      whom: ' If this goes on, contact support.',
      hello: 'Hello.',
    }
  : {
      what: "L'assistant est momentanément indisponible.",
      todo: ' Veuillez réessayer',
      back: ' Il sera de retour',
      when: ' dans 10 secondes',
      whom: " Si cela dure, contactez l'assistance.",
      hello: 'Bonjour.',
    };

function limitedText() {
  if (defect('footer-for-all')) return texts.what;
  const what = defect('no-what') ? texts.hello : texts.what;
  const todo = defect('no-do') ? texts.back : texts.todo;
  const when = defect('no-when') ? '' : texts.when;
  const whom = defect('no-do') ? '' : texts.whom;
  const word = defect('jargon') ? ' (upstream timeout, HTTP 503)' : '';
  const text = `${what}${todo}${when}.${whom}${word}`;
  return defect('html') ? `<html><body><h1>${text}</h1></body></html>` : text;
}
