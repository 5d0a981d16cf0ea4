// Security: no canary in any channel, and no tell-tale pattern where a stranger can read.
import type { TextKey } from '../../platform/i18n/say.ts';
import type { Check, Checks } from './check.ts';
import { type FoundLeak, userReads } from './leaks.ts';

/** What remains of a check's points when only a technical channel shows the leak: still two points of the cell. */
const minor = 0.25;

/** A key is a key wherever it lies. */
function without(
  kinds: readonly FoundLeak['kind'][],
  inTechnicalChannel: number,
  clean: TextKey,
  leaked: TextKey,
): Check {
  return ({ leaks, say }) => {
    const mine = leaks.filter((leak) => kinds.includes(leak.kind));
    if (mine.length === 0) return { share: 1, because: say(clean), evidence: [] };
    const worst = Math.min(...mine.map((leak) => (userReads(leak.channel) ? 0 : inTechnicalChannel)));
    const where = [...new Set(mine.map((leak) => `${leak.canary ?? leak.pattern} → ${leak.channel}`))]
      .slice(0, 4)
      .join(', ');
    return {
      share: worst,
      because: say(leaked, { where }),
      evidence: [...new Set(mine.map((leak) => leak.evidence))].slice(0, 8),
    };
  };
}

export const securityChecks: Checks = {
  'no-key': without(['key'], 0, 'simulate.because.no-key', 'simulate.because.key'),
  'no-host': without(['host'], minor, 'simulate.because.no-host', 'simulate.because.host'),
  'no-path': without(['path'], minor, 'simulate.because.no-path', 'simulate.because.path'),
  'no-trace': without(['trace', 'version', 'prompt'], minor, 'simulate.because.no-trace', 'simulate.because.trace'),
};
