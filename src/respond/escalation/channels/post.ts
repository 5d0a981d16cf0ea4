// A POST of JSON to whoever is told that way, signed where there is a secret, and what its status means.
import { retryAfterMs, whyOf } from '../../../platform/journal/sinks/sink.ts';
import { sign } from '../../../platform/journal/sinks/webhook.ts';
import { ChannelAway, type Delivered } from './channel.ts';

export interface Posting {
  id: string;
  url: string;
  body: string;
  /** With it, it is signed as Standard Webhooks 1.0 has it. */
  secret?: string;
  timeoutMs: number;
  signal: AbortSignal;
  now: () => number;
}

/** What is wrong with the message or the address for good; any other refusal may be mended by somebody. */
const final = new Set([400, 404, 410, 413, 422]);

export async function post({ id, url, body, secret, timeoutMs, signal, now }: Posting): Promise<Delivered> {
  const time = String(Math.floor(now() / 1_000));
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'rempart',
        'webhook-id': id,
        'webhook-timestamp': time,
        ...(secret === undefined ? {} : { 'webhook-signature': `v1,${sign(secret, `${id}.${time}.${body}`)}` }),
      },
      body,
      // Followed, it could lead anywhere.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    // What it says besides is not read: it may be endless.
    await response.body?.cancel();
  } catch (error) {
    throw new ChannelAway(whyOf(error), undefined, error);
  }
  if (response.ok) return { kind: 'taken' };
  const why = `http-${response.status}`;
  if (final.has(response.status)) return { kind: 'refused', why };
  throw new ChannelAway(why, retryAfterMs(response.headers.get('retry-after'), now()));
}
