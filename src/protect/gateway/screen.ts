// Where a call's texts are checked before they leave, and its answer before it goes out. The check comes in as a part.
import { createHmac, createSecretKey, hash } from 'node:crypto';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import { say } from '../../platform/i18n/say.ts';
import { findPersonalData } from '../../platform/inspection/personal-data.ts';
import { findSecrets } from '../../platform/inspection/secrets.ts';
import type { Signals } from '../../platform/signals.ts';
import type { AnswerSettings } from '../screening/answers.ts';
import { createPromptEcho, type PromptEcho } from '../screening/answers-echo.ts';
import type { Behaviour } from '../screening/behaviour.ts';
import { type Action, type Decision, decide, type Policy, type PromptCategory } from '../screening/policy.ts';
import type { Category, Role, Verdict } from '../screening/verdict.ts';
import type { Caller } from './ask.ts';
import { type CallText, maskTurns, type ToMask, textsOf, textsOfAnswer, withoutTurns } from './call-texts.ts';
import type { ChatCall, ReplyEvent } from './dialects/dialect.ts';
import type { Exchange } from './exchange.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Quarantine } from './quarantine.ts';
import { createRecent } from './recent-values.ts';
import type { FindingFacts, Recorder } from './record.ts';
import type { ScreeningSettings } from './settings.ts';
import { createBehaviourWatch } from './watch-behaviour.ts';

/** Must return a verdict at once; the same for the same text and role. */
export type Screen = (text: string, role: Role) => Verdict;

/** No rules are configured, so there is nothing to check. */
export const withoutRules: Screen = () => ({ kind: 'clean' });

export interface ScreeningParts {
  now: () => number;
  log: Log;
  signals: Signals;
  metrics: GatewayMetrics;
  recorder: Recorder;
  screen: Screen;
  behaviour?: Behaviour;
  quarantine: Quarantine;
  promptKey: Uint8Array;
}

export interface Screening {
  /** The call as it may go on. Throws ERR_QUARANTINED, ERR_PROMPT_BLOCKED, ERR_UNSCREENED, ERR_RATE_LIMITED. */
  prompts(exchange: Exchange, call: ChatCall): ChatCall;
  /** How the answer to it is to be screened. */
  answers(exchange: Pick<Exchange, 'lang' | 'operation'>, call: ChatCall): AnswerSettings;
  /** Journals and counts what was found in an answer. */
  answered(
    exchange: Exchange,
    found: readonly { category: Category; rule: string }[],
    failed?: { cause: unknown },
  ): void;
  /** Remembers what was answered: sent back in a conversation, it is an answer and not the client's own words. */
  given(caller: Caller, answer: readonly ReplyEvent[]): void;
}

/** Verdicts remembered: earlier turns come again with every question of a conversation. */
const maxRemembered = 20_000;
const maxEchoes = 50;

export function createScreening(
  parts: ScreeningParts,
  { policy, behaviour, operatorRoles }: Pick<ScreeningSettings, 'policy' | 'behaviour' | 'operatorRoles'>,
): Screening {
  const { now, metrics, recorder, signals, quarantine } = parts;
  // Made once: an HMAC takes 2.9 µs with it, 14 µs with the bytes.
  const hmacKey = createSecretKey(parts.promptKey);
  const memoryKey = Buffer.from(parts.promptKey).toString('hex');
  const watch = createBehaviourWatch(parts, behaviour);
  // Reads the rules now: the first answer must not wait for them, and rules that cannot be read must not wait for the first answer.
  findSecrets('');
  const verdicts = createRecent<Verdict>(maxRemembered);
  const told = createRecent<true>(maxRemembered);
  const answersGiven = createRecent<true>(maxRemembered);
  const echoes = createRecent<{ echo: PromptEcho | undefined }>(maxEchoes);

  /** Stands for a text in this process's memory and never leaves it: a keyed hash in one call takes 0.6 µs, an HMAC 2.2. */
  function remembered(text: string): string {
    return hash('sha256', memoryKey + text, 'base64');
  }

  function answerKey({ subject }: Caller, text: string): string {
    const words = text.replace(/\s+/g, ' ').trim();
    return remembered(`answer\0${subject}\0${words}`);
  }

  function isBelieved({ caller, operation }: Exchange, { role }: CallText): boolean {
    return role === 'user' || role === 'tool' || operation === 'ask' || operatorRoles.includes(caller.role);
  }

  /** Who may only ask does not speak as the operator or the assistant by saying so. */
  function spokenBy(exchange: Exchange, at: CallText): Role {
    if (isBelieved(exchange, at)) return at.role;
    const isAnswer = at.role === 'assistant' && answersGiven.get(answerKey(exchange.caller, at.text)) !== undefined;
    return isAnswer ? at.role : 'user';
  }

  /** By whose measure a text is judged. */
  function judgedAs(exchange: Exchange, at: CallText): Role {
    if (isBelieved(exchange, at)) return at.role;
    // What a user may say needs no look at who said it first.
    return verdictOn({ ...at, role: 'user' }).kind === 'clean' ? 'user' : spokenBy(exchange, at);
  }

  /** An assistant that writes code and a tool that runs it are what they are for: then only told. */
  function decideOn(at: CallText, judged: Role): Decision {
    const found = decide(policy, verdictOn({ ...at, role: judged }), judged);
    const isOrdinary = at.role === 'assistant' || at.turn === undefined;
    if (found.kind !== 'block' || found.category !== 'code-execution' || judged === at.role || !isOrdinary)
      return found;
    return { ...found, kind: policy.prompts['code-execution'][at.role] === 'block' ? 'block' : 'flag' };
  }

  function verdictOn({ text, role }: CallText): Verdict {
    const key = remembered(`${role}\0${text}`);
    const before = verdicts.get(key);
    if (before !== undefined) return before;
    let verdict: Verdict;
    try {
      verdict = parts.screen(text, role);
    } catch (cause) {
      verdict = { kind: 'unscreened', cause };
    }
    // A shape that is no verdict must not pass as one.
    if (!['clean', 'suspicious', 'unscreened'].includes(verdict?.kind))
      return { kind: 'unscreened', cause: new TypeError('a check returned no verdict') };
    // What could not be checked is tried again next time.
    if (verdict.kind !== 'unscreened') verdicts.set(key, verdict);
    return verdict;
  }

  /** Told once: the same history comes again with every question. */
  function isNews({ caller }: Exchange, { text }: CallText): boolean {
    const key = remembered(`${caller.subject}\0${text}`);
    const isKnown = told.get(key) !== undefined;
    told.set(key, true);
    return !isKnown;
  }

  function fingerprint(text: string) {
    return { hmacSha256: createHmac('sha256', hmacKey).update(text).digest('hex'), length: text.length };
  }

  function tell(exchange: Exchange, at: CallText, found: Extract<Decision, { category: Category }>): void {
    const { category, score, kind, rules } = found;
    const { role, text } = at;
    metrics.suspicious(category, role);
    const attempt = category === 'code-execution';
    const severity = attempt ? 'high' : kind === 'block' ? 'medium' : 'low';
    recorder.finding(exchange, { category, role, action: kind, score, rules, severity, prompt: fingerprint(text) });
    const { credential } = exchange.caller;
    const facts = { category, role, action: kind, score, credential };
    if (kind === 'block' && !attempt) signals.emit({ kind: 'prompt-attack', time: now(), severity: 'medium', facts });
    if (!attempt) return;
    // An application's fixed text comes with every question: it is blocked each time, and is nobody's third attempt.
    if (kind === 'block' && (role === 'user' || role === 'tool')) quarantine.attempted(credential, score);
    const suspended = quarantine.secondsLeft(credential) > 0;
    signals.emit({ kind: 'code-execution-attempt', time: now(), severity: 'high', facts: { ...facts, suspended } });
  }

  function unscreened(
    exchange: Exchange,
    { role, text }: CallText,
    found: Extract<Decision, { cause: unknown }>,
  ): void {
    const { action, cause } = found;
    tellUnscreened(exchange, 'prompt', { role, action, cause, prompt: fingerprint(text) });
    if (action === 'refuse') throw new RempartError('ERR_UNSCREENED', { seconds: 5 }, cause);
  }

  function tellUnscreened(
    exchange: Exchange,
    guard: 'prompt' | 'answer',
    { cause, ...facts }: Pick<FindingFacts, 'prompt'> & { role: Role; action: 'refuse' | 'forward'; cause: unknown },
  ): void {
    const { action } = facts;
    parts.log.error({ err: cause, guard }, 'a text could not be screened');
    metrics.unscreened(guard, action);
    recorder.finding(exchange, { category: 'unscreened', score: 0, rules: ['unscreened'], severity: 'high', ...facts });
    signals.emit({ kind: 'screening-failed', time: now(), severity: 'high', facts: { guard, action } });
  }

  /** Secrets and personal data in what is sent. Throws what a broken rule throws. */
  function dataIn(text: string, role: Role): { category: PromptCategory; action: Action; rule: string }[] {
    const of = policy.prompts;
    const found: { category: PromptCategory; action: Action; rule: string }[] = [];
    if (of.secret[role] !== 'pass') {
      const hit = findSecrets(text).find(({ placeholder, confidence }) => !placeholder && confidence !== 'doubtful');
      if (hit !== undefined) found.push({ category: 'secret', action: of.secret[role], rule: hit.rule });
    }
    if (of['personal-data'][role] !== 'pass') {
      const [hit] = findPersonalData(text);
      if (hit !== undefined)
        found.push({ category: 'personal-data', action: of['personal-data'][role], rule: hit.kind });
    }
    return found;
  }

  /** Throws ERR_PROMPT_BLOCKED where a mark finds no place, such as in a name of the protocol: then it must not be sent. */
  function masked(exchange: Exchange, call: ChatCall, toMask: ToMask): ChatCall {
    const shown = maskTurns(call, toMask);
    for (const at of textsOf(shown)) {
      if (!toMask.has(at.turn)) continue;
      for (const { category, action } of dataIn(at.text, spokenBy(exchange, at)))
        if (action === 'mask') throw blocked(category);
    }
    return shown;
  }

  return {
    prompts(exchange, call) {
      const texts = textsOf(call);
      const left = quarantine.secondsLeft(exchange.caller.credential);
      if (left > 0) throw new RempartError('ERR_QUARANTINED', { seconds: left });
      watch.admit(exchange, call);
      const dropped = new Set<number>();
      const toMask = new Map<number | undefined, Set<PromptCategory>>();
      const inChat = exchange.operation === 'ask';
      // The chatbot asks one message at a time; what it was refused has no answer after it.
      const answered = inChat ? call.turns.length - 2 : call.turns.findLastIndex(({ role }) => role === 'assistant');
      for (const at of texts) {
        const isNew = at.turn === undefined || at.turn > answered;
        const found = decideOn(at, judgedAs(exchange, at));
        if (found.kind === 'unscreened') unscreened(exchange, at, found);
        if (found.kind === 'flag' || found.kind === 'block') {
          const drops = found.kind === 'block' && !isNew && inChat;
          // The chatbot's own history: what was refused once is left out, so that the conversation can go on.
          if (drops && at.turn !== undefined && found.category !== 'code-execution') {
            dropped.add(at.turn);
            continue;
          }
          const news = isNews(exchange, at);
          if (isNew || news) tell(exchange, at, found);
          if (found.kind === 'block') {
            if (isNew) watch.refused(exchange);
            throw isNew || found.category !== 'code-execution'
              ? blocked(found.category)
              : new RempartError('ERR_CONVERSATION_BLOCKED');
          }
        }
        if (!isNew && !asksMasking(policy)) continue;
        let data: ReturnType<typeof dataIn>;
        try {
          data = dataIn(at.text, spokenBy(exchange, at));
        } catch (cause) {
          unscreened(exchange, at, { kind: 'unscreened', action: policy.whenUnscreened, cause });
          continue;
        }
        for (const { category, action, rule } of data) {
          const kind = action === 'block' ? 'block' : 'flag';
          if (kind === 'block' && !isNew && inChat && at.turn !== undefined) {
            dropped.add(at.turn);
            break;
          }
          if (isNew) tell(exchange, at, { kind, category, score: 1, rules: [rule] });
          if (kind === 'block') {
            if (isNew) watch.refused(exchange);
            throw blocked(category);
          }
          if (action === 'mask') toMask.set(at.turn, (toMask.get(at.turn) ?? new Set()).add(category));
        }
      }
      const shown = toMask.size === 0 ? call : masked(exchange, call, toMask);
      return dropped.size === 0 ? shown : withoutTurns(shown, dropped);
    },
    answers({ lang, operation }, call) {
      const system = call.turns.flatMap(({ role, text }) => (role === 'system' ? [text] : [])).join('\n');
      let known = echoes.get(system);
      if (known === undefined) {
        known = { echo: createPromptEcho(system) };
        echoes.set(system, known);
      }
      return {
        policy: policy.answers,
        ...(known.echo === undefined ? {} : { echo: known.echo }),
        label: (category) => say(lang, `masked.${category}`),
        // What the chatbot's instructions tell of persons is there to be told, such as whom to write to; of systems it is not.
        isKnown: (value, category) =>
          call.turns.some(
            ({ role, text }) =>
              (operation !== 'ask' || role !== 'system' || category !== 'internal') && text.includes(value),
          ),
      };
    },
    given(caller, answer) {
      for (const text of textsOfAnswer(answer)) if (text.length > 2) answersGiven.set(answerKey(caller, text), true);
    },
    answered(exchange, found, failed) {
      // An answer was asked for and has been paid: it is withheld whatever the policy says of prompts.
      if (failed !== undefined)
        tellUnscreened(exchange, 'answer', { role: 'assistant', action: 'refuse', cause: failed.cause });
      for (const category of new Set(found.map((one) => one.category))) {
        const rules = [...new Set(found.filter((one) => one.category === category).map(({ rule }) => rule))].slice(
          0,
          20,
        );
        const action = policy.answers[category as keyof Policy['answers']];
        metrics.answer(category, action);
        const severity = action === 'block' ? 'medium' : 'low';
        recorder.finding(exchange, { category, role: 'assistant', action, score: 1, rules, severity });
        if (action === 'block')
          signals.emit({ kind: 'answer-blocked', time: now(), severity: 'medium', facts: { category } });
      }
    },
  };
}

/** Then history must be looked through again, since it goes out again. */
function asksMasking({ prompts }: Policy): boolean {
  return [prompts.secret, prompts['personal-data']].some((by) =>
    Object.values(by).some((action) => action === 'mask' || action === 'block'),
  );
}

function blocked(category: Category): RempartError {
  return new RempartError('ERR_PROMPT_BLOCKED', { what: { key: `screened.${category}` } });
}
