// Whether every acknowledged message stands in its conversation's history, once and in the order it was sent.
import { parseJsonObject } from '../targets/json-text.ts';
import { markersIn } from '../targets/marker.ts';
import type { Ask, MethodRun } from './method-run.ts';

export interface HistoryResult {
  acknowledged: number;
  lost: Ask[];
  doubled: Ask[];
  disordered: Ask[];
}

/** Judged on the last history fetched of each conversation. A message is acknowledged by any answer in the ordinary shape. */
export function lostMessages(run: MethodRun): HistoryResult {
  const result: HistoryResult = { acknowledged: 0, lost: [], doubled: [], disordered: [] };
  const acknowledged = run.asks
    .filter(({ kind }) => kind === 'served' || kind === 'limited' || kind === 'posed')
    .map(({ ask }) => ask);
  const conversations = new Set(acknowledged.map((ask) => ask.conversation));
  for (const conversation of conversations) {
    const last = run.histories.filter((fact) => fact.conversation === conversation).at(-1);
    const order = last === undefined || last.status !== 200 ? [] : userMarkers(last.body);
    let previous = -1;
    for (const ask of acknowledged.filter((a) => a.conversation === conversation).sort((a, b) => a.t - b.t)) {
      result.acknowledged++;
      const at = order.indexOf(ask.marker);
      if (at === -1) result.lost.push(ask);
      else if (order.indexOf(ask.marker, at + 1) !== -1) result.doubled.push(ask);
      else if (at < previous) result.disordered.push(ask);
      previous = Math.max(previous, at);
    }
  }
  return result;
}

/** The markers of the users' messages, in order. The body holds the array that the profile's pointer found. */
export function userMarkers(body: string): string[] {
  const messages = parseJsonObject(body);
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: unknown) => {
    const speaker = speakerOf(message);
    if (speaker === 'assistant') return [];
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    const found = [...new Set(markersIn(text))];
    // A record of question and answer together repeats the marker inside one message: that is still once.
    return speaker === 'user' ? found.slice(0, 1) : found;
  });
}

function speakerOf(message: unknown): 'user' | 'assistant' | null {
  if (typeof message !== 'object' || message === null) return null;
  for (const key of ['role', 'author', 'sender', 'from', 'type', 'speaker']) {
    const value = (message as Record<string, unknown>)[key];
    if (typeof value !== 'string') continue;
    if (/^(user|human|utilisateur|me|client|you)$/i.test(value)) return 'user';
    if (/^(assistant|bot|ai|model|chatbot|agent|system|ia)$/i.test(value)) return 'assistant';
  }
  return null;
}
