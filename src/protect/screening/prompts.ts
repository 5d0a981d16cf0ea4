// Screens one text of a conversation for injection, jailbreak and attempts to get code run.
import type { Role, Verdict } from './verdict.ts';

export interface PromptScreenParts {
  /** The weights' file as it lies in models/screening. */
  model: Uint8Array;
  /** SHA-256 of that file, in hex. */
  modelHash: string;
  /** The text of rules/screening/lexicon.yaml: words by meaning, and patterns. */
  lexicon: string;
}

export interface PromptScreenSettings {
  /** Score from which a text is suspicious, by role; 0.5 where nothing is given. */
  thresholds?: Partial<Record<Role, number>>;
}

export interface Explanation {
  verdict: Verdict;
  /** Score of the strongest window, suspicious or not. */
  score: number;
  /** What spoke for and against, the strongest first. */
  reasons: readonly { feature: string; weight: number }[];
}

export interface PromptScreen {
  (text: string, role: Role): Verdict;
  explain(text: string, role: Role): Explanation;
}

export type CreatePromptScreen = (parts: PromptScreenParts, settings?: PromptScreenSettings) => PromptScreen;
