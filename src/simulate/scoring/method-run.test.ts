// What an answer was: served, openly limited, posed as an ordinary one, an error, or silence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { reply, secondAttempt } from './assess.fixture.ts';
import { ask, broken, evidenceOf, honestError, limited, methodFacts, served, silence } from './fixture.ts';
import { methodRuns } from './method-run.ts';

const kinds: [name: string, expected: string, facts: Fact[]][] = [
  ['an ordinary answer that the upstream gave', 'served', served('fault', 11_000)],
  ['an ordinary answer after a second attempt', 'served', secondAttempt()],
  ['an ordinary answer with a notice beside it', 'served', served('fault', 11_000, noticed())],
  ['an openly limited answer', 'limited', broken(11_000, limited)],
  ['a limited answer whose accents are escaped', 'limited', broken(11_000, escaped())],
  ['a limited answer, streamed in pieces', 'limited', broken(11_000, streamedNotice())],
  ['an error admitted in the ordinary shape', 'limited', broken(11_000, reply('Désolé, une erreur est survenue.'))],
  [
    'a flag that says degraded',
    'limited',
    broken(11_000, { body: '{"reply":"La file.","degraded":true}', answer: 'La file.' }),
  ],
  ['an answer though no upstream gave one', 'posed', broken(11_000, reply('Une pile rend le dernier élément.'))],
  [
    'the same with a flag that denies',
    'posed',
    broken(11_000, { body: '{"reply":"La file.","degraded":false}', answer: 'La file.' }),
  ],
  ['an answer without any call', 'posed', [ask('fault', 11_000)]],
  ['a stream that stopped in its middle without a word', 'posed', served('fault', 11_000, { ended: false })],
  ['a question openly put off with 202', 'limited', broken(11_000, later())],
  ['an error', 'error', broken(11_000, honestError)],
  ['an error page of 200', 'error', broken(11_000, { body: '<html>', answer: null })],
  ['nothing in time', 'silence', broken(11_000, silence)],
  ['an empty body of 200', 'silence', broken(11_000, { body: '', answer: null })],
  ['a refused connection', 'silence', broken(11_000, { ...silence, error: 'ECONNREFUSED' })],
];
for (const [name, expected, facts] of kinds) {
  test(`answerKind() calls ${name} ${expected}`, () => {
    const [run] = methodRuns(evidenceOf(methodFacts({ fault: facts })));
    assert.equal(run!.asks.find((judged) => judged.ask.phase === 'fault')?.kind, expected);
  });
}

function escaped() {
  const text = 'Réponse enregistrée plus tôt.';
  return { body: `{"reply":"R\\u00e9ponse enregistr\\u00e9e plus t\\u00f4t."}`, answer: text };
}
function later() {
  const message = "Votre demande est en file d'attente, la réponse viendra dans 2 minutes.";
  return { status: 202, body: JSON.stringify({ message }), answer: null };
}
function noticed() {
  return {
    body: JSON.stringify({ reply: 'La file.', degraded: { notice: 'Vos messages ne sont pas encore enregistrés.' } }),
    answer: 'La file.',
  };
}
function streamedNotice() {
  const pieces = ['Le serv', 'ice est indis', 'ponible.'];
  const body = pieces.map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`).join('');
  return { body: `${body}data: [DONE]\n\n`, answer: pieces.join('') };
}
