// What screening concluded about one text. Whether to block is the policy's decision.

export const categories = [
  'injection',
  'jailbreak',
  'code-execution',
  'secret',
  'personal-data',
  'internal',
  'system-prompt',
  'anomaly',
] as const;
export type Category = (typeof categories)[number];

export const roles = ['user', 'system', 'assistant', 'tool'] as const;
export type Role = (typeof roles)[number];

/** Something found at a place of the text; the text itself is not kept. */
export interface Finding {
  category: Category;
  rule: string;
  /** UTF-16 offsets in the text as it was given. */
  start: number;
  end: number;
}

export type Verdict =
  | { kind: 'clean' }
  | {
      kind: 'suspicious';
      category: Category;
      /** 0..1; at the default setting 0.5 and above is suspicious. */
      score: number;
      /** Names of what spoke for it, the strongest first. */
      rules: readonly string[];
      findings?: readonly Finding[];
    }
  /** The check failed: can never be read as clean. */
  | { kind: 'unscreened'; cause: unknown };
