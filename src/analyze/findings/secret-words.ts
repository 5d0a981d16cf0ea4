// What is said of a secret: whose key it is, or, where no provider can revoke it, what kind of secret.
import type { Finding } from '../../platform/documents/analysis.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { FoundSecret } from './secrets.ts';

type Kind = 'password' | 'key' | 'private-key' | 'url' | 'http' | 'jwt' | 'mail';
/** What secrets of nobody in particular are: `Revoke it at generic` would help nobody. */
const kinds: Readonly<Record<string, Kind>> = {
  'generic-password': 'password',
  'generic-key': 'key',
  'private-key': 'private-key',
  'putty-private-key': 'private-key',
  'age-secret-key': 'private-key',
  'password-in-url': 'url',
  'basic-authorization': 'http',
  'bearer-authorization': 'http',
  'curl-user': 'http',
  jwt: 'jwt',
  'jwt-base64': 'jwt',
  'smtp-password': 'mail',
};

export function secretWords(
  { kind, rule, provider }: Pick<FoundSecret, 'kind' | 'rule' | 'provider'>,
  lang: Lang,
): Pick<Finding, 'title' | 'explanation' | 'exploitation' | 'fix'> {
  const own = Object.hasOwn(kinds, rule) ? kinds[rule] : undefined;
  const facts = { provider, what: own === undefined ? provider : say(lang, `finding.secret.kind.${own}`) };
  const of = own === undefined ? '' : '.own';
  if (kind === 'made-up')
    return {
      title: say(lang, 'finding.secret.made-up.title', facts),
      explanation: say(lang, `finding.secret.made-up.explanation${of}`, facts),
      exploitation: say(lang, 'finding.secret.made-up.exploitation'),
      fix: say(lang, 'finding.secret.made-up.fix'),
    };
  return {
    title: say(lang, 'finding.secret.leaked.title', facts),
    explanation: say(lang, `finding.secret.leaked.explanation${of}`, facts),
    exploitation: say(lang, `finding.secret.leaked.exploitation${of}`),
    fix: say(lang, `finding.secret.leaked.fix${of}`, facts),
  };
}
