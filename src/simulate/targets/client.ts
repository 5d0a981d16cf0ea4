// A simulated user's client: sends what the profile says and notes, on the run's clock, exactly what came back.
import { Agent, request } from 'undici';
import { parseJsonObject } from './json-text.ts';
import { atPointer, fill, type Places, type ProfileRequest } from './profile.ts';

export interface Reply {
  t: number;
  endT: number;
  /** null when the connection failed or nothing came in time. */
  status: number | null;
  headers: Record<string, string>;
  /** At most 64 KiB of it. */
  body: string;
  error: string | null;
}

export interface TargetClient {
  send(what: ProfileRequest, places: Places, options?: SendOptions): Promise<Reply>;
  close(): Promise<void>;
}
export interface SendOptions {
  headers?: Record<string, string>;
  timeoutMs?: number;
}

const maxBody = 65_536;

/** One connection per request, as strangers' browsers would come: a stale keep-alive socket must not look like the target's silence. */
export function createTargetClient(now: () => number): TargetClient {
  const agent = new Agent({ pipelining: 0, connections: null, connect: { timeout: 5_000 } });
  return {
    send: async (what, places, { headers: extra = {}, timeoutMs = 15_000 } = {}) => {
      const { url, method, headers, body } = fill(what, places);
      const t = now();
      const partial: { status: number | null; headers: Record<string, string>; body: string } = {
        status: null,
        headers: {},
        body: '',
      };
      try {
        const answer = await request(url, {
          dispatcher: agent,
          method,
          headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers, ...extra },
          body: body === undefined ? null : JSON.stringify(body),
          signal: AbortSignal.timeout(timeoutMs),
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        });
        partial.status = answer.statusCode;
        partial.headers = plainHeaders(answer.headers);
        const decoder = new TextDecoder();
        for await (const chunk of answer.body) {
          if (partial.body.length < maxBody) partial.body += decoder.decode(chunk as Buffer, { stream: true });
        }
        partial.body = (partial.body + decoder.decode()).slice(0, maxBody);
        return { t, endT: now(), ...partial, error: null };
      } catch (error) {
        return { t, endT: now(), ...partial, error: connectionError(error) };
      }
    },
    close: () => agent.destroy(),
  };
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

function connectionError(error: unknown): string {
  if ((error as Error).name === 'TimeoutError') return 'timeout';
  return (error as { code?: string }).code ?? (error as Error).name;
}

export interface ReadAnswer {
  answer: string | null;
  conversation: string | null;
  /** Whether a stream ended as its format says; true for a whole body. */
  ended: boolean;
}

/** What the profile's pointers find in a reply, streamed or not. */
export function readAnswer(
  body: string,
  ask: { answer: string; stream?: 'openai' | 'ollama' | 'text' | undefined; conversation?: string | undefined },
): ReadAnswer {
  switch (ask.stream) {
    case undefined: {
      const json = parseJsonObject(body);
      const found = ask.answer === '' ? body : atPointer(json, ask.answer);
      const conversation = ask.conversation === undefined ? null : atPointer(json, ask.conversation);
      return {
        answer: typeof found === 'string' && found.trim() !== '' ? found : null,
        conversation:
          typeof conversation === 'string' || typeof conversation === 'number' ? String(conversation) : null,
        ended: true,
      };
    }
    case 'text':
      return { answer: body.trim() === '' ? null : body, conversation: null, ended: true };
    case 'openai': {
      const frames = body
        .split(/\r?\n/)
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).trim());
      const text = joined(frames.map((frame) => atPointer(parseJsonObject(frame), '/choices/0/delta/content')));
      return { answer: text, conversation: null, ended: frames.includes('[DONE]') };
    }
    case 'ollama': {
      const frames = body.split('\n').map(parseJsonObject);
      const text = joined(frames.map((frame) => atPointer(frame, '/message/content') ?? atPointer(frame, '/response')));
      return { answer: text, conversation: null, ended: frames.some((frame) => atPointer(frame, '/done') === true) };
    }
  }
}

function joined(pieces: unknown[]): string | null {
  const text = pieces.filter((piece) => typeof piece === 'string').join('');
  return text.trim() === '' ? null : text;
}
