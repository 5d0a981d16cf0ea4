// UX: nobody noticed, or everyone who did was told what happens, what to do and when, in plain words of their language.

import type { TextKey } from '../../platform/i18n/say.ts';
import type { Check, CheckContext, Checks, TellingAsk } from './check.ts';
import { ids, median, seconds } from './check.ts';
import { lostMessages } from './history.ts';
import { brokeOff } from './method-run.ts';
import { shareAt } from './rubric.ts';

const undisturbed: Check = ({ run, affected, healed, rubric, say }) => {
  if (!healed || affected.length === 0) return null;
  const fromFault = new Set(affected.map(({ ask }) => ask.id));
  const misled = lostMessages(run).lost.filter((ask) => fromFault.has(ask.id));
  if (misled.length > 0 && run.histories.length > 0) {
    return { share: 0, because: say('simulate.because.misled', { count: misled.length }), evidence: ids(misled) };
  }
  const ms = median(affected.map(({ ask }) => ask.endT - ask.t));
  return {
    share: shareAt(rubric.bands.patience, ms / 1000),
    because: say('simulate.because.undisturbed', { seconds: seconds(ms) }),
    evidence: ids(affected.map(({ ask }) => ask)),
  };
};

/** Told in another language than the user's, a thing is half told. */
const inAnotherLanguage = 0.5;

const toldNothing = (ask: TellingAsk) => ask.kind === 'silence' || ask.kind === 'posed';

/**
 * One of the questions on what was told; a silence and an answer that only poses as one tell nothing. How it was told
 * (in which language, how plainly) is asked of what was told only: that nothing was told is charged once.
 */
function told(question: (ask: TellingAsk) => boolean, yes: TextKey, no: TextKey, needsLanguage = false): Check {
  return asked((ask) => !toldNothing(ask) && question(ask), yes, no, needsLanguage);
}

function howTold(question: (ask: TellingAsk) => boolean, yes: TextKey, no: TextKey): Check {
  return asked((ask) => toldNothing(ask) || question(ask), yes, no, false);
}

function asked(question: (ask: TellingAsk) => boolean, yes: TextKey, no: TextKey, needsLanguage: boolean): Check {
  return ({ affected, healed, say }) => {
    if (healed) return null;
    const disturbed = disturbedOf(affected);
    if (disturbed.length === 0) return null;
    const failed = disturbed.filter((ask) => !question(ask));
    const facts = { count: disturbed.length - failed.length, asked: disturbed.length };
    const foreign = needsLanguage
      ? disturbed.filter((ask) => !failed.includes(ask) && !ask.wording.language).length
      : 0;
    const word = failed.map((ask) => ask.wording.jargon).find((found) => found !== null) ?? '';
    return {
      share: 1 - (failed.length + foreign * inAnotherLanguage) / disturbed.length,
      because: failed.length === 0 ? say(yes, facts) : say(no, { ...facts, word: word.slice(0, 40) }),
      evidence: ids((failed.length > 0 ? failed : disturbed).map(({ ask }) => ask)),
    };
  };
}

const toldSoon: Check = ({ affected, healed, rubric, say }) => {
  const told = disturbedOf(affected).filter((ask) => !toldNothing(ask));
  if (healed || told.length === 0) return null;
  const times = told.map(({ ask }) => ask.endT - ask.t);
  // Fast is worth something only where something was said in the user's language.
  const shares = told.map(({ ask, wording }) =>
    wording.what && wording.language ? shareAt(rubric.bands.telling, (ask.endT - ask.t) / 1000) : 0,
  );
  return {
    share: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    because: say('simulate.because.told-soon', { seconds: seconds(median(times)) }),
    evidence: ids(told.map(({ ask }) => ask)),
  };
};

const retryAfter: Check = (context: CheckContext) => {
  // The headers of a stream that broke off were gone before anyone knew.
  const could = disturbedOf(context.affected).filter((ask) => !toldNothing(ask) && !brokeOff(ask));
  const asking = could.filter((ask) => ask.wording.asksToWait);
  if (context.healed || asking.length === 0) return null;
  return told(
    ({ ask, wording }) => !wording.asksToWait || ask.headers['retry-after'] !== undefined,
    'simulate.because.retry-after',
    'simulate.because.no-retry-after',
  )({
    ...context,
    affected: asking,
  });
};

export const uxChecks: Checks = {
  undisturbed,
  'says-what': told(({ wording }) => wording.what, 'simulate.because.says-what', 'simulate.because.no-what', true),
  'says-do': told(({ wording }) => wording.does, 'simulate.because.says-do', 'simulate.because.no-do', true),
  'says-when': told(({ wording }) => wording.when, 'simulate.because.says-when', 'simulate.because.no-when', true),
  language: howTold(({ wording }) => wording.language, 'simulate.because.language', 'simulate.because.no-language'),
  plain: howTold(({ wording }) => wording.plain, 'simulate.because.plain', 'simulate.because.no-plain'),
  'told-soon': toldSoon,
  'retry-after': retryAfter,
};

function disturbedOf(affected: readonly TellingAsk[]): TellingAsk[] {
  return affected.filter((ask) => ask.disturbed);
}
