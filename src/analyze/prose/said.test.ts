// What single sentences say: negated, asked, wished, advised, or about something else altogether.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyseConversation } from '../analyse-conversation.ts';
import { talk } from '../talk.fixture.ts';

/** Who says what; the topics mentioned; the practices seen. */
const sentences: ['user' | 'assistant', string, string, string][] = [
  ['assistant', 'You are not using parameterized queries here.', '', ''],
  ['assistant', 'Without parameterized queries the app is open to SQL injection.', 'sql-injection', ''],
  ['assistant', 'I would avoid JWTs for sessions.', '', ''],
  ['assistant', 'There is no need for a firewall on a laptop.', '', ''],
  ['assistant', 'Rate limiting is missing from this endpoint.', '', ''],
  ['assistant', 'This endpoint lacks any kind of CSRF protection.', 'csrf', ''],
  ['assistant', 'The code neither validates input nor escapes the output.', '', ''],
  ['assistant', 'React protects you against XSS by default.', '', ''],
  ['assistant', 'Because of the ORM, SQL injection is not possible here.', '', 'orm'],
  ['assistant', 'This eliminates the risk of SQL injection.', '', ''],
  ['assistant', 'CSRF is not a concern for this API.', '', ''],
  ['assistant', 'Containers run as root on this server.', 'container-privileges', 'containers'],
  ['assistant', 'CORS allows any origin on this API.', 'permissive-cors', ''],
  ['assistant', 'I found neither SSRF nor open redirects in this API.', '', ''],
  ['assistant', 'Nothing suggests command injection in this code.', '', ''],
  ['assistant', "Je ne vois ni SSRF ni redirection ouverte dans l'API.", '', ''],
  ['assistant', "Rien n'indique une injection de commande dans ce code.", '', ''],
  ['assistant', 'Aucune faille XSS dans cette page web.', '', ''],
  ['assistant', 'Ce code ne gère ni le XSS ni le CSRF.', 'csrf xss', ''],
  ['assistant', 'La vérification TLS est désactivée sur ce serveur.', 'tls-verification-off', ''],
  ['assistant', 'CSRF is not a concern if the cookie is SameSite.', 'csrf', 'csrf-tokens'],
  ['assistant', "L'injection SQL n'est pas un problème ici.", '', ''],
  ['assistant', "La session n'expire jamais.", 'weak-session', ''],
  ['assistant', 'Use HTTPS everywhere, and never disable certificate verification.', 'tls-verification-off', 'tls'],
  ['assistant', "If you don't need MFA you can skip it.", '', ''],
  ['assistant', "Don't forget to hash passwords with bcrypt.", '', 'password-hashing'],
  ['assistant', 'Instead of MD5, use argon2.', '', 'password-hashing'],
  ['assistant', 'Docker secrets are better than environment variables.', '', 'secrets-manager containers'],
  ['user', 'Should I use Vault?', '', ''],
  ['user', 'Can you add rate limiting and CSRF tokens to it?', 'csrf', ''],
  ['user', 'We already use Vault for our secrets.', '', 'secrets-manager'],
  ['user', 'I think I have an XSS in my search page.', 'xss', ''],
  ['user', 'My boss wants HTTPS and a pentest.', '', ''],
  ['assistant', "Ce code n'utilise aucune requête préparée.", '', ''],
  ['assistant', 'Il manque un jeton CSRF dans ce formulaire.', 'csrf', ''],
  ['assistant', "Aucun chiffrement TLS n'est configuré.", '', ''],
  ['assistant', "Grâce aux requêtes préparées, l'injection SQL est impossible.", '', 'parameterised-queries'],
  ['assistant', 'Votre application est protégée contre les injections SQL.', '', ''],
  ['assistant', 'Pensez à activer la double authentification.', '', 'mfa'],
  ['assistant', "N'oubliez pas de valider les entrées.", '', 'input-validation'],
  ['assistant', 'Ne désactivez jamais la vérification des certificats.', 'tls-verification-off', 'tls'],
  [
    'assistant',
    "Vous n'avez pas mis de limitation de débit, donc une attaque par force brute est possible.",
    'brute-force',
    '',
  ],
  ['user', 'Je dois mettre en place le RGPD, comment faire ?', '', ''],
  ['user', 'Nous utilisons déjà Keycloak avec OpenID Connect.', '', 'token-authentication'],
  ['user', 'Faut-il un pare-feu ?', '', ''],
  ['user', "On m'a dit que MD5 était cassé.", 'weak-crypto', ''],
  ['assistant', "L'injection de dépendances facilite les tests.", '', ''],
  ['assistant', 'Le service injecte la configuration au démarrage.', '', ''],
  ['assistant', "Un conteneur Docker démarre plus vite qu'une VM.", '', 'containers'],
  ['assistant', "La session de formation dure deux heures, sans limite d'âge.", '', ''],
  ['assistant', 'Le jeton de présence est distribué aux membres.', '', ''],
  ['assistant', 'The API key question in the exam was easy; the token economy is a theme.', '', ''],
  ['assistant', 'Alert the team when the build monitor turns red.', '', ''],
  ['assistant', 'Our monitoring of the garden shows that roses like water.', '', ''],
  ['assistant', 'The vault of the cathedral rises to 40 metres.', '', ''],
  ['assistant', 'Alpine skiing is fun in Chamonix.', '', ''],
  ['assistant', 'Renovate the kitchen before you move in.', '', ''],
  ['assistant', 'The bandit escaped from prison and bleach was used to clean.', '', ''],
  ['assistant', 'A surveillance camera watches the shop.', '', ''],
  ['assistant', "Sociologie : le contrôle d'accès au stade est strict.", '', ''],
  ['assistant', "Le roman parle de la falsification d'un testament.", '', ''],
  ['assistant', 'Bleach your shirts with a mild product and let them dry.', '', ''],
  ['assistant', 'Joi de vivre and the helmet of a knight.', '', ''],
];

for (const [author, text, topics, practices] of sentences) {
  test(`analyseConversation() hears [${topics}] and [${practices}] when the ${author} says "${text}"`, () => {
    const { findings, goodPractices } = analyseConversation(talk([[author, text]]), { lang: 'en' }, 1);
    const mentioned = findings
      .filter(({ state }) => state === 'mentioned')
      .map(({ rule }) => rule.replace('topics.', ''));
    assert.deepEqual([mentioned.join(' '), goodPractices.map(({ id }) => id).join(' ')], [topics, practices]);
  });
}
