// What an answer has used, from the provider's own count or, where it gave none, from the length of the texts.
import type { ReplyEvent, Turn, Usage } from './dialects/dialect.ts';

export interface Settlement extends Usage {
  estimated: boolean;
}

/** Characters to a token, on the safe side for French and code. */
const charactersPerToken = 3;

/** Adds an answer up as it passes. */
export interface Tally {
  add(event: ReplyEvent): void;
  text(): string;
  /** Characters of all that was said, of every choice and of the reasoning. */
  size(): number;
  model(): string | undefined;
  settle(turns: readonly Turn[]): Settlement;
}

export function createTally(): Tally {
  let usage: Usage | undefined;
  let model: string | undefined;
  let text = '';
  let characters = 0;
  /** Of what tools were called with. */
  let called = 0;
  return {
    add(event) {
      if (event.kind === 'usage') usage = event.usage;
      else if (event.kind === 'model') model = event.model;
      else if (event.kind === 'delta') {
        if (event.index === 0) text += event.text ?? '';
        characters += (event.text?.length ?? 0) + (event.thinking?.length ?? 0);
        if (event.toolCalls !== undefined) called += JSON.stringify(event.toolCalls).length;
      }
    },
    text: () => text,
    size: () => characters,
    model: () => model,
    settle(turns) {
      // A count of nought is one that was not told: nobody reads a prompt, or says a word, for nothing.
      const said = usage ?? { promptTokens: 0, completionTokens: 0 };
      const isTold = said.promptTokens > 0 && (said.completionTokens > 0 || characters + called === 0);
      if (isTold) return { ...said, estimated: false };
      const asked = turns.reduce((sum, turn) => sum + turn.text.length, 0);
      return {
        promptTokens: said.promptTokens || tokens(asked),
        completionTokens: said.completionTokens || tokens(characters + called),
        estimated: true,
      };
    },
  };
}

function tokens(characters: number): number {
  return Math.ceil(characters / charactersPerToken);
}
