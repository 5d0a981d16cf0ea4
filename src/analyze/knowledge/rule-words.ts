// What a rule is called in general: findings in compose files and Dockerfiles name the service, image or folder they were met in.
import type { Finding } from '../../platform/documents/analysis.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { loadContainerRules } from '../../platform/inspection/containers/rules.ts';

type Words = Pick<Finding, 'title' | 'fix'>;

const containers = /^containers\.(compose|dockerfile)\./;
const place = /\{\w+\}/g;

/** True of every finding of the rule, and without a word of the conversation: `Service "…" runs privileged`. */
export function ruleWords({ rule, title, fix }: Words & Pick<Finding, 'rule'>, lang: Lang): Words {
  if (!containers.test(rule)) return { title, fix };
  const id = rule.replace(containers, '$1/');
  const known = loadContainerRules().find((one) => one.id === id)?.[lang];
  return { title: known?.message.replace(place, '…') ?? rule, fix: known?.fix.replace(place, '…') ?? '' };
}
