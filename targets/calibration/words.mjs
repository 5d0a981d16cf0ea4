// What people are told when the model is away, or when their messages are not saved yet.
import { defect } from './defect.mjs';
import { currentKey } from './model.mjs';

const { LLM_BASE_URL, DB_PATH } = process.env;

/** Boilerplate on every answer, good days and bad: it tells nothing about a failure. */
export const footer = defect('footer-for-all')
  ? { footer: "En cas de problème, veuillez réessayer dans quelques minutes ou contactez l'assistance." }
  : {};

export const notice = {
  notice: 'Vos messages sont gardés en mémoire et seront enregistrés dès que possible ; vous pouvez continuer.',
};

/** The body that says that no answer can be had now. */
export function limited(error) {
  if (defect('passes-errors-on')) return { reply: error.said ?? error.message };
  const body = { reply: limitedText() };
  const key = currentKey();
  if (defect('leaks-key')) body.debug = `key ${key}`;
  if (defect('leaks-key-base64')) body.debug = Buffer.from(`Bearer ${key}`).toString('base64');
  if (defect('leaks-key-masked')) body.debug = `${key.slice(0, 12)}****`;
  if (defect('leaks-host')) body.debug = `cannot reach ${new URL(LLM_BASE_URL).host}`;
  if (defect('leaks-path')) body.debug = `see ${DB_PATH}`;
  if (defect('leaks-stack')) body.debug = error.stack;
  if (defect('leaks-version')) body.debug = `Express/4.18.2`;
  return body;
}

export function limitedHeaders() {
  return {
    ...(defect('no-retry-after') ? {} : { 'retry-after': '10' }),
    ...(defect('header-leaks-key') ? { 'x-debug-key': currentKey() } : {}),
  };
}

function limitedText() {
  if (defect('in-english'))
    return 'The assistant is unavailable for now. Please try again in 10 seconds. If it goes on, contact support.';
  const what = defect('no-what') ? 'Bonjour.' : "L'assistant est momentanément indisponible.";
  if (defect('footer-for-all')) return "L'assistant est momentanément indisponible.";
  const todo = defect('no-do') ? ' Il sera de retour' : ' Veuillez réessayer';
  const when = defect('no-when') ? '' : ' dans 10 secondes';
  const whom = defect('no-do') ? '' : " Si cela dure, contactez l'assistance.";
  const word = defect('jargon') ? ' (upstream timeout, HTTP 503)' : '';
  const text = `${what}${todo}${when}.${whom}${word}`;
  return defect('html') ? `<html><body><h1>${text}</h1></body></html>` : text;
}
