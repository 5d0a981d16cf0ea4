// What the model is asked for a question: the conversation so far, and how to answer it.
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { AskMessage } from '../gateway/ask.ts';
import type { Settings } from './chat-store.ts';
import type { Message } from './message.ts';

export interface AskedSettings {
  system: string;
  historyMessages: number;
}

export function askedOf(
  messages: readonly Message[],
  { answers }: Settings,
  lang: Lang,
  settings: AskedSettings,
): AskMessage[] {
  const asked: AskMessage[] = messages
    .filter(({ limited }) => !limited)
    .slice(-settings.historyMessages)
    .map(({ role, text }) => ({ role, content: text }));
  const system = [
    settings.system,
    say(lang, 'chat.system.language'),
    answers === 'normal' ? '' : say(lang, answers === 'short' ? 'chat.system.short' : 'chat.system.detailed'),
  ].filter((part) => part !== '');
  return [{ role: 'system', content: system.join('\n') }, ...asked];
}
