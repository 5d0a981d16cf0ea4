// What is done about what screening concludes: per category and role, decided here and nowhere else.
import type { Category, Role, Verdict } from './verdict.ts';

/** `flag`: goes on, but is counted, journalled and told. */
export const actions = ['block', 'mask', 'flag', 'pass'] as const;
export type Action = (typeof actions)[number];

export const promptCategories = ['injection', 'jailbreak', 'code-execution', 'secret', 'personal-data'] as const;
export type PromptCategory = (typeof promptCategories)[number];
export const answerCategories = ['secret', 'personal-data', 'internal', 'system-prompt'] as const;
export type AnswerCategory = (typeof answerCategories)[number];

export interface Policy {
  /** What callers send, by category and role. */
  prompts: Readonly<Record<PromptCategory, Readonly<Record<Role, Action>>>>;
  /** What comes back. */
  answers: Readonly<Record<AnswerCategory, Action>>;
  /** What happens to a text that could not be checked. */
  whenUnscreened: 'refuse' | 'forward';
}

const attack: Readonly<Record<Role, Action>> = { user: 'block', tool: 'block', assistant: 'flag', system: 'flag' };
const everyRole = (action: Action): Readonly<Record<Role, Action>> => ({
  user: action,
  tool: action,
  assistant: action,
  system: action,
});

/** Attacks from users and tools are blocked; secrets and personal data do not come back; what is sent is the sender's own. */
export const defaultPolicy: Policy = {
  prompts: {
    injection: attack,
    jailbreak: attack,
    'code-execution': attack,
    secret: everyRole('flag'),
    'personal-data': everyRole('pass'),
  },
  answers: { secret: 'mask', 'personal-data': 'mask', internal: 'flag', 'system-prompt': 'block' },
  whenUnscreened: 'refuse',
};

export type Decision =
  | { kind: 'pass' }
  | { kind: 'flag' | 'block'; category: Category; score: number; rules: readonly string[] }
  | { kind: 'unscreened'; action: 'refuse' | 'forward'; cause: unknown };

/** A switch without default, so that a new kind of verdict fails to compile. */
export function decide(policy: Policy, verdict: Verdict, role: Role): Decision {
  switch (verdict.kind) {
    case 'clean':
      return { kind: 'pass' };
    case 'unscreened':
      return { kind: 'unscreened', action: policy.whenUnscreened, cause: verdict.cause };
    case 'suspicious': {
      const { category, score, rules } = verdict;
      const action = isPromptCategory(category) ? policy.prompts[category][role] : 'flag';
      if (action === 'pass') return { kind: 'pass' };
      // An attack has no part that could be masked.
      return { kind: action === 'flag' ? 'flag' : 'block', category, score, rules };
    }
  }
}

function isPromptCategory(category: Category): category is PromptCategory {
  return (promptCategories as readonly Category[]).includes(category);
}
