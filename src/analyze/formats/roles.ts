// Who speaks, under the names that formats give.
import type { Author } from '../../platform/documents/analysis.ts';

const roles: Record<string, Author> = {
  user: 'user',
  human: 'user',
  prompter: 'user',
  prompt: 'user',
  you: 'user',
  me: 'user',
  assistant: 'assistant',
  ai: 'assistant',
  bot: 'assistant',
  chatbot: 'assistant',
  gpt: 'assistant',
  chatgpt: 'assistant',
  claude: 'assistant',
  gemini: 'assistant',
  grok: 'assistant',
  bard: 'assistant',
  mistral: 'assistant',
  model: 'assistant',
  response: 'assistant',
  answer: 'assistant',
  system: 'system',
  developer: 'system',
  instructions: 'system',
  tool: 'tool',
  function: 'tool',
  function_call: 'assistant',
  function_response: 'tool',
  observation: 'tool',
  ipython: 'tool',
};

export function authorOf(role: unknown): Author | null {
  if (typeof role !== 'string') return null;
  const known = role.trim().toLowerCase();
  return Object.hasOwn(roles, known) ? (roles[known] ?? null) : null;
}
