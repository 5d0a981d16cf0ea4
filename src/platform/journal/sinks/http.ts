// A POST of JSON to a sink, and what its status means for the batch: taken, away for now, or at fault.
import { retryAfterMs, type Sent, SinkAway, whyOf } from './sink.ts';

export interface Posting {
  url: string;
  headers: Record<string, string>;
  body: string;
  timeoutMs: number;
  signal: AbortSignal;
  now: () => number;
}

/** What is wrong with the batch itself; any other refusal is about who asks or where, and waits for someone to mend it. */
const ofTheBatch = new Set([400, 413, 422]);

export async function post({ url, headers, body, timeoutMs, signal, now }: Posting): Promise<Sent & { text?: string }> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'rempart', ...headers },
      body,
      // Followed, it could lead the records anywhere.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    text = (await response.text()).slice(0, 65_536);
  } catch (error) {
    throw new SinkAway(whyOf(error), undefined, error);
  }
  if (response.ok) return { kind: 'taken', text };
  if (ofTheBatch.has(response.status)) return { kind: 'refused', why: String(response.status) };
  throw new SinkAway(String(response.status), retryAfterMs(response.headers.get('retry-after'), now()));
}
