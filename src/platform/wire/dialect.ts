// The wire formats that language-model providers speak.

export type Dialect = 'openai' | 'mistral' | 'ollama';
export const dialects: readonly Dialect[] = ['openai', 'mistral', 'ollama'];
