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
  const newestFirst = isNewestFirst(run);
  for (const conversation of conversations) {
    const last = run.histories.filter((fact) => fact.conversation === conversation).at(-1);
    const order = last === undefined || last.status !== 200 ? [] : userMarkers(last.body);
    if (newestFirst) order.reverse();
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

/** Some histories begin with the newest message; which way one runs is told by what was said on the ordinary day before. */
function isNewestFirst(run: MethodRun): boolean {
  const calm = run.asks.filter(({ ask }) => ask.phase === 'baseline').map(({ ask }) => ask);
  const [first, second] = calm.filter((ask) => ask.conversation === calm[0]?.conversation);
  if (first === undefined || second === undefined) return false;
  const last = run.histories.filter((fact) => fact.conversation === first.conversation).at(-1);
  const order = last === undefined ? [] : userMarkers(last.body);
  const [older, newer] = [order.indexOf(first.marker), order.indexOf(second.marker)];
  return older !== -1 && newer !== -1 && newer < older;
}

/** The markers of the users' messages, in order. The body holds what the profile's pointer found: a list, an object of messages, or a text. */
export function userMarkers(body: string): string[] {
  const found = parseJsonObject(body);
  const messages = messagesOf(found);
  const seen = new Map<string, Set<string>>();
  return messages.flatMap((message: unknown) => {
    const speaker = speakerOf(message);
    if (speaker === 'assistant') return [];
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    const markers = [...new Set(markersIn(text))];
    // A record of question and answer together repeats the marker inside one message: that is still once.
    if (speaker === 'user') return markers.slice(0, 1);
    // Nobody says who speaks: another text with the same marker is the answer to it, the same text again is a double.
    return markers.filter((marker) => {
      const texts = seen.get(marker) ?? new Set();
      seen.set(marker, texts);
      const isAnswer = texts.size > 0 && !texts.has(text);
      if (!isAnswer) texts.add(text);
      return !isAnswer;
    });
  });
}

function messagesOf(found: unknown): unknown[] {
  if (Array.isArray(found)) return found;
  if (typeof found === 'string') return found.split('\n').filter((line) => line.trim() !== '');
  return typeof found === 'object' && found !== null ? Object.values(found) : [];
}

function speakerOf(message: unknown): 'user' | 'assistant' | null {
  if (typeof message !== 'object' || message === null) return null;
  for (const key of ['role', 'author', 'sender', 'from', 'type', 'speaker']) {
    const given = (message as Record<string, unknown>)[key];
    // Nested as in {"author": {"role": "user"}}.
    const nested = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
    const value = nested['role'] ?? nested['type'] ?? nested['name'] ?? given;
    if (typeof value !== 'string') continue;
    if (/^(user|human|utilisateur|me|client|you)$/i.test(value)) return 'user';
    if (/^(assistant|bot|ai|model|chatbot|agent|system|ia)$/i.test(value)) return 'assistant';
  }
  for (const [name, value] of Object.entries(message)) {
    if (typeof value !== 'boolean') continue;
    if (/^(is_?|from_?)(user|human)$/i.test(name)) return value ? 'user' : 'assistant';
    if (/^(is_?|from_?)(bot|ai|assistant)$/i.test(name)) return value ? 'assistant' : 'user';
  }
  return null;
}
