// What can be asked about people's data from the command line: the same answers from a running instance and without one.
import type { ControlHandlers } from '../../platform/base/control-socket.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { isSubject } from '../../platform/base/subject.ts';
import type { RetentionSettings } from './erasure-config.ts';
import type { Asker, Privacy } from './privacy.ts';
import type { Retention } from './retention.ts';

export interface PrivacyCommandsParts {
  privacy: Privacy;
  retention: Retention;
  settings: () => RetentionSettings;
}

/** Only who owns the data directory reaches these commands. */
const owner: Asker = { subject: 'owner of the data directory', sourceIp: '127.0.0.1' };

export function privacyCommands({ privacy, retention, settings }: PrivacyCommandsParts): ControlHandlers {
  return {
    async 'privacy.export'(asked) {
      return (await privacy.export(whatOf(asked), owner)) as unknown as Json;
    },
    async 'privacy.erase'({ withKeys, dryRun, ...asked }) {
      return privacy.erase({ ...whatOf(asked), withKeys: withKeys === true, dryRun: dryRun === true }, owner);
    },
    async 'privacy.retention'({ apply }) {
      return retention.sweep(settings(), apply === true);
    },
    'privacy.pseudonym'({ subject }) {
      return { pseudonym: privacy.pseudonymOf(subjectOf(subject)) };
    },
  };
}

function whatOf({ subject, conversation }: JsonObject): { subject: string } | { conversation: string } {
  return conversation === undefined ? { subject: subjectOf(subject) } : { conversation: String(conversation) };
}

function subjectOf(given: Json | undefined): string {
  if (typeof given === 'string' && isSubject(given)) return given;
  throw new RempartError('ERR_BODY_INVALID', { what: 'subject' });
}
