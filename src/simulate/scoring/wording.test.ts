// What a user is told, judged by rules: messages that a trainer would show as good and bad, in both languages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertCpu } from '../../platform/base/test-time.ts';
import { say } from '../../platform/i18n/say.ts';
import { admitsLimit, judgeWording, languageOf } from './wording.ts';

/** Letters say which questions the message answers: w what, d do, t when, p plain. */
type Row = readonly [language: 'fr' | 'en', text: string, answers: string];

const rows: readonly Row[] = [
  // Good ones.
  ['fr', "L'assistant est momentanément indisponible. Réessayez dans quelques minutes.", 'wdtp'],
  ['fr', 'Notre service connaît une interruption. Votre message est conservé ; revenez dans une heure.', 'wdtp'],
  ['fr', "Nous n'arrivons pas à vous répondre pour le moment : une panne est en cours. Réessayez plus tard.", 'wdtp'],
  ['fr', 'Le nombre de questions de la journée est épuisé. Revenez demain, ou contactez le support.', 'wdtp'],
  ['fr', 'Beaucoup de monde en ce moment : le service est surchargé. Patientez environ 30 secondes.', 'wdtp'],
  [
    'fr',
    "Vos messages ne sont pas encore enregistrés, ils le seront dès le retour de l'historique. Vous pouvez continuer.",
    'wdtp',
  ],
  ['fr', 'La réponse a été interrompue. Renvoyez votre question dans un instant.', 'wdtp'],
  ['fr', 'Maintenance en cours. Le service reprendra à 14 h. Aucune action de votre part.', 'wdtp'],
  ['en', 'The assistant is temporarily unavailable. Please try again in a few minutes.', 'wdtp'],
  ['en', 'We are having trouble answering right now. Your message is kept; come back in an hour.', 'wdtp'],
  ['en', 'The answer was cut off. Ask again in a moment.', 'wdtp'],
  ['en', 'Your daily quota is used up. Come back tomorrow or contact support.', 'wdtp'],
  ['en', 'The service is very busy. Please wait about 30 seconds, then try again.', 'wdtp'],
  ['en', 'Your history is not saved yet. You can carry on; it will be saved as soon as we can.', 'wdtp'],
  ['fr', "L'assistant n'est pas joignable. Le service reprendra vers 14 h 30 ; merci de patienter.", 'wdtp'],
  ['fr', 'Notre fournisseur est en panne. Réessayez dans une demi-heure.', 'wdtp'],
  ['fr', 'ERREUR : service indisponible. Veuillez revenir sous peu, sans exception nous répondons à tous.', 'wdtp'],
  ['en', 'The service is down. See https://status.example.com and check back by 3 pm.', 'wdtp'],
  // Half good: something is missing.
  ['fr', 'Service indisponible.', 'wp'],
  ['fr', 'Une erreur est survenue. Réessayez.', 'dp'],
  ['fr', 'Réessayez dans cinq minutes.', 'dtp'],
  ['fr', 'Une panne est en cours ; le service reprendra dès que possible.', 'wtp'],
  ['en', 'Service unavailable.', 'wp'],
  ['en', 'Something went wrong.', 'wp'],
  ['en', 'An error occurred. Please try again later.', 'dtp'],
  ['en', 'Please try again.', 'dp'],
  ['en', 'Back in ten minutes.', 'tp'],
  // Bad: nothing said.
  ['fr', 'Oups !', 'p'],
  ['en', 'Oops!', 'p'],
  ['en', 'Sorry.', 'p'],
  // Bad: written for a developer. What else they answer matters less than that they are not plain.
  ['fr', 'Erreur 503', ''],
  ['fr', "L'API a renvoyé un timeout. Réessayez dans 30 secondes.", 'dt'],
  ['en', 'upstream connect error or disconnect/reset before headers', ''],
  ['en', 'Error: connect ECONNREFUSED 127.0.0.1:8080', ''],
];
const letter = { w: 'what', d: 'does', t: 'when', p: 'plain' } as const;
for (const [language, text, answers] of rows) {
  test(`judgeWording() finds "${answers}" in ${JSON.stringify(text)}`, () => {
    const wording = judgeWording([text], language);
    const found = (Object.keys(letter) as (keyof typeof letter)[]).filter((key) => wording[letter[key]]).join('');
    assert.equal(found, answers, JSON.stringify(wording));
    assert.ok(wording.language, 'in its language');
  });
}

/** What frameworks, drivers and providers put into an answer when nobody wrote one. */
const raw: readonly string[] = [
  'fetch failed',
  'Internal Server Error: 500',
  'HTTP 502',
  '502 Bad Gateway',
  '429 Too Many Requests',
  'Request failed with status code 401',
  'Error code: 401 - Incorrect key provided',
  'connect ETIMEDOUT 10.0.0.1:443',
  'getaddrinfo ENOTFOUND api.example.com',
  'read ECONNRESET',
  'socket hang up',
  'SQLITE_CORRUPT: database disk image is malformed',
  'SqliteError: file is not a database',
  'file is not a database',
  'database disk image is malformed',
  'database is locked',
  'no such table: messages',
  "TypeError: Cannot read properties of undefined (reading 'choices')",
  "Cannot read properties of null (reading 'content')",
  'Unexpected token < in JSON at position 0',
  'Unexpected end of JSON input',
  'Traceback (most recent call last)',
  'KeyError: choices',
  'java.lang.NullPointerException',
  'POST http://127.0.0.1:1/v1/chat/completions failed',
  'Read timed out. (read timeout=30)',
  'Rate limit reached for gpt-4o on requests per min (RPM). Please try again later.',
  'The engine is currently overloaded (server_is_overloaded)',
  'You exceeded your current quota, please check your plan and billing details. (insufficient_quota)',
  'Incorrect API key provided',
  '{"error":{"message":"Unauthorized"}}',
  '<html><body><h1>503 Service Unavailable</h1></body></html>',
  'Circuit breaker is open',
  'Error 429',
  'Erreur interne du serveur (500)',
  'Une exception non gérée est survenue',
];
for (const text of raw) {
  test(`judgeWording() does not call plain: ${text}`, () => {
    const wording = judgeWording([text], 'en');
    assert.equal(wording.plain, false);
    assert.ok(wording.jargon !== null && wording.jargon !== '');
  });
}

test('judgeWording() names the word that is not plain', () => {
  assert.equal(judgeWording(['An error occurred: upstream was slow'], 'en').jargon, 'upstream');
});

test('judgeWording() judges all strings of a body together', () => {
  const { what, does, when, plain } = judgeWording(['Service unavailable', 'Please try again', 'in 10 minutes'], 'en');
  assert.deepEqual([what, does, when, plain], [true, true, true, true]);
  assert.equal(judgeWording(['All is well', 'SQLITE_BUSY'], 'en').plain, false);
});

test('judgeWording() notices a message in the language of others', () => {
  assert.equal(judgeWording(['The assistant is not available. Please try again in a minute.'], 'fr').language, false);
  assert.equal(
    judgeWording(["L'assistant est indisponible pour le moment. Réessayez dans une minute."], 'en').language,
    false,
  );
  assert.equal(judgeWording(['503'], 'fr').language, true, 'too short to tell');
});

for (const [asks, text] of [
  [true, 'Please try again in a minute.'],
  [true, 'Merci de patienter quelques instants.'],
  [true, 'Revenez demain.'],
  [false, 'Vos messages seront enregistrés dès le retour. Vous pouvez continuer.'],
  [false, 'Vos messages seront enregistrés plus tard.'],
  [false, 'This answer was given earlier to the same question.'],
] as const) {
  test(`judgeWording() ${asks ? 'sees' : 'sees no'} request to wait in "${text}"`, () => {
    assert.equal(judgeWording([text], 'fr').asksToWait, asks);
  });
}

const languages: [text: string, language: 'fr' | 'en' | null][] = [
  ['Le service est indisponible pour le moment, réessayez dans une minute.', 'fr'],
  ['The service is not available at the moment, please try again in a minute.', 'en'],
  ["L'assistant ne répond pas", 'fr'],
  ['Your message is kept', 'en'],
  ['Oops', null],
  ['503', null],
  ['', null],
  ['Le chat est the best', null],
];
for (const [text, language] of languages) {
  test(`languageOf() says ${language} of "${text}"`, () => assert.equal(languageOf(text), language));
}

/** Ordinary answers: none may look like an admission that something is wrong. */
const ordinary: readonly string[] = [
  'Un réseau de neurones est un empilement de fonctions simples, réglées sur des exemples.',
  "Une pile rend d'abord le dernier élément posé, une file d'abord le premier arrivé.",
  'Ce soir, un curry de pois chiches au lait de coco, prêt en une demi-heure.',
  "Relisez l'annonce, préparez trois exemples précis et posez des questions sur le poste.",
  'La photosynthèse transforme la lumière, l’eau et le dioxyde de carbone en sucres et en oxygène.',
  'Multipliez chaque note par son coefficient, additionnez, puis divisez par la somme des coefficients.',
  'Paris est la capitale de la France depuis des siècles.',
  'Pour apprendre le piano, jouez un quart d’heure chaque jour plutôt que deux heures le dimanche.',
  'La Lune tourne autour de la Terre en un peu plus de vingt-sept jours.',
  'Bonjour ! Comment puis-je vous aider ?',
  'Voici trois idées de titres pour votre article.',
  'La somme des angles d’un triangle vaut cent quatre-vingts degrés.',
  'A neural network is a stack of simple functions tuned on examples.',
  'A stack gives back the last thing you put on it; a queue gives back the first.',
  'Tonight, try a chickpea curry with coconut milk, ready in half an hour.',
  'Read the advert again, prepare three precise examples and ask about the team.',
  'Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.',
  'Multiply each mark by its weight, add them up, then divide by the sum of the weights.',
  'Paris has been the capital of France for centuries.',
  'The moon goes round the earth in a little over twenty-seven days.',
  'Hello! How can I help you?',
  'Here are three ideas for the title of your article.',
  'The angles of a triangle add up to one hundred and eighty degrees.',
  'Water boils at a lower temperature in the mountains.',
  'I am a stand-in for a language model; this answer was made offline from your question.',
];
for (const text of ordinary) {
  test(`admitsLimit() sees an ordinary answer in "${text.slice(0, 40)}…"`, () => {
    assert.equal(admitsLimit(text), false);
  });
}

// They speak of failures, limits and problems, but not of this service's: no admission.
for (const text of [
  'Le problème du voyageur de commerce est difficile parce que le nombre de chemins explose.',
  'Le train de 8 h est en panne une fois par mois.',
  'Integration by parts often makes a hard problem easier.',
  'Penguins cannot fly.',
  'Bien sûr, voici la réponse à votre problème.',
  'Il est impossible de diviser par zéro.',
  'La mémoire vive est limitée ; une pile y tient peu de place.',
  'Sure, here is how to solve a problem like this one.',
  'The number of seats is limited, so book early.',
]) {
  test(`admitsLimit() sees no admission in "${text.slice(0, 40)}…"`, () => assert.equal(admitsLimit(text), false));
}

for (const text of [
  "L'assistant est surchargé.",
  'Nous rencontrons des difficultés.',
  'Bonjour. Veuillez réessayer dans 10 secondes.',
  'Incorrect API key provided',
  'You exceeded your current quota, please check your plan and billing details.',
  'TypeError: x is undefined',
  'We are having trouble answering right now.',
  'La réponse a été interrompue.',
  'Réponse tirée du cache.',
]) {
  test(`admitsLimit() sees an admission in "${text}"`, () => assert.equal(admitsLimit(text), true));
}

for (const lang of ['fr', 'en'] as const) {
  for (const key of ['busy', 'quota', 'request', 'unavailable'] as const) {
    test(`judgeWording() finds the built-in chatbot's own notice "${key}" in ${lang} clear, plain and honest`, () => {
      const facts = { when: say(lang, 'chat.when.minutes', { count: 5 }), contact: say(lang, 'chat.contact.default') };
      const text = say(lang, `chat.limited.${key}`, facts);
      const { what, does, plain, language } = judgeWording([text], lang);
      assert.deepEqual({ what, does, plain, language }, { what: true, does: true, plain: true, language: true }, text);
      assert.ok(admitsLimit(text));
    });
  }
}

for (const text of [
  'Désolé, une erreur est survenue.',
  "Une erreur s'est produite, réessayez.",
  'Sorry, an unexpected error occurred.',
  'A technical error, sorry.',
]) {
  test(`admitsLimit() takes "${text}" for honest, though it does not say what happens`, () => {
    assert.equal(admitsLimit(text), true);
    assert.equal(judgeWording([text], 'fr').what, false);
  });
}

test('judgeWording() lets a code stand that is a field of its own, but not in a sentence', () => {
  assert.equal(judgeWording(['The service is unavailable.', 'provider_unavailable'], 'en').plain, true);
  assert.equal(judgeWording(['The service said provider_unavailable.'], 'en').jargon, 'provider_unavailable');
});

/** Patterns over strangers' texts must not be made to run for long. */
test('judgeWording() is done in time with texts made to slow patterns down', () => {
  for (const text of ['reprendra '.repeat(6000), 'dans '.repeat(13_000), 'at '.repeat(20_000), '{ '.repeat(30_000)])
    assertCpu(text.slice(0, 12), 1_000, () => judgeWording([text], 'fr'));
});
