// One request in no provider's words: what the stand-in has to answer.

export interface AskTool {
  name: string;
  /** JSON Schema of the arguments. */
  parameters: unknown;
}

export interface AskTurn {
  role: string;
  text: string;
}

/** Text wanted back. */
export interface Ask {
  model: string;
  turns: readonly AskTurn[];
  stream: boolean;
  tools: readonly AskTool[];
  /** `named` holds the tool that must be used. */
  toolChoice: 'auto' | 'none' | 'required' | { named: string };
  /** `schema` holds a JSON Schema that the answer must match. */
  format: 'text' | 'json' | { schema: unknown };
  maxTokens: number | undefined;
  stop: readonly string[];
  seed: number;
  choices: number;
}

export interface ToolUse {
  id: string;
  name: string;
  arguments: Record<string, unknown>;
}

/** What is sent back: fixed before the first byte, so its cost is known. */
export interface Plan {
  choices: readonly PlannedChoice[];
  promptTokens: number;
  completionTokens: number;
}

export interface PlannedChoice {
  tokens: readonly string[];
  toolUses: readonly ToolUse[];
  finish: 'stop' | 'length' | 'tool_calls';
}
