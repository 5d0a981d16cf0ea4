// From a request to the answer: text, JSON or a tool call, each fixed by seed and prompt.
import { answerTo, answerWithToolResult, languageOf } from './answers.ts';
import type { Ask, AskTool, Plan, PlannedChoice } from './ask.ts';
import { exampleOf } from './example.ts';
import { hash32, identifier, randomFrom } from './random.ts';
import { countTokens, tokensOf } from './tokens.ts';

/** The answer to a request; the same for the same seed and request. */
export function planAnswer(seed: number, ask: Ask): Plan {
  const choices = Array.from({ length: ask.choices }, (_, index) => planChoice(seed + ask.seed + index, ask));
  const count = (choice: PlannedChoice) =>
    choice.tokens.length +
    choice.toolUses.reduce((sum, use) => sum + countTokens(JSON.stringify(use.arguments)) + 1, 0);
  return {
    choices,
    // Four for the frame of each message, as the providers' own counting goes.
    promptTokens: ask.turns.reduce((sum, turn) => sum + countTokens(turn.text) + 4, 0),
    completionTokens: choices.reduce((sum, choice) => sum + count(choice), 0),
  };
}

function planChoice(seed: number, ask: Ask): PlannedChoice {
  const prompt = lastOf(ask, 'user');
  const tool = toolFor(ask, prompt);
  if (tool !== undefined) {
    const id = `call_${identifier(randomFrom(hash32(`${seed}:${prompt}:${tool.name}`)), 24)}`;
    const given = exampleOf(tool.parameters, prompt);
    const use = { id, name: tool.name, arguments: isRecord(given) ? given : {} };
    return { tokens: [], toolUses: [use], finish: 'tool_calls' };
  }
  return cut(tokensOf(stopAt(textOf(seed, ask, prompt), ask.stop)), ask.maxTokens);
}

function textOf(seed: number, ask: Ask, prompt: string): string {
  if (ask.format === 'json')
    return JSON.stringify({ standin: true, answer: answerTo(seed, prompt), language: languageOf(prompt) });
  if (ask.format !== 'text') return JSON.stringify(exampleOf(ask.format.schema, prompt));
  const last = ask.turns.at(-1);
  return last?.role === 'tool' ? answerWithToolResult(prompt, last.text) : answerTo(seed, prompt);
}

/** The tool that the question asks for by its name, or the one that the request forces. */
function toolFor(ask: Ask, prompt: string): AskTool | undefined {
  if (ask.toolChoice === 'none' || ask.turns.at(-1)?.role === 'tool') return undefined;
  const choice = ask.toolChoice;
  if (typeof choice === 'object') return ask.tools.find((tool) => tool.name === choice.named);
  const named = ask.tools.find((tool) => tool.name !== '' && prompt.includes(tool.name));
  return named ?? (choice === 'required' ? ask.tools[0] : undefined);
}

function cut(tokens: readonly string[], maxTokens: number | undefined): PlannedChoice {
  const over = maxTokens !== undefined && tokens.length > maxTokens;
  return { tokens: over ? tokens.slice(0, maxTokens) : tokens, toolUses: [], finish: over ? 'length' : 'stop' };
}

function stopAt(text: string, stops: readonly string[]): string {
  const ends = stops.filter((stop) => stop !== '').map((stop) => text.indexOf(stop));
  const first = Math.min(...ends.filter((end) => end !== -1));
  return Number.isFinite(first) ? text.slice(0, first) : text;
}

/** The text of the last turn of a role; of the last turn when the role never spoke. */
function lastOf(ask: Pick<Ask, 'turns'>, role: string): string {
  return (ask.turns.findLast((turn) => turn.role === role) ?? ask.turns.at(-1))?.text ?? '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
