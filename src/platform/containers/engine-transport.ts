// HTTP over the container engine's Unix socket: bounded in time and size, with one code for each way it can go wrong.
import { Agent, type Dispatcher } from 'undici';
import { type ErrorCode, type Facts, RempartError } from '../base/errors.ts';

export interface EngineAt {
  socketPath: string;
  /** From the question to the last byte of the answer; not for streams. */
  timeoutMs?: number;
  /** Of one answer. */
  maxBytes?: number;
}

export interface EngineQuestion {
  method: 'GET' | 'POST' | 'DELETE';
  /** Parts of the path, each escaped here. */
  path: readonly string[];
  query?: Readonly<Record<string, string>>;
  body?: object;
  /** Beyond the common limit, for what takes its time by itself. */
  extraMs?: number;
  maxBytes?: number;
  signal?: AbortSignal | undefined;
}

export interface EngineAnswer {
  status: number;
  bytes: Buffer;
}

export interface EngineTransport {
  socketPath: string;
  /** Any status below 400; else ERR_ENGINE_CONTAINER (404) or ERR_ENGINE_REFUSED. */
  ask(question: EngineQuestion): Promise<EngineAnswer>;
  /** The answer as it comes, without an end by time. */
  follow(question: EngineQuestion): Promise<AsyncIterable<Buffer>>;
  close(): Promise<void>;
}

export const defaultEngineTimeoutMs = 15_000;
export const defaultEngineMaxBytes = 32 * 1024 * 1024;
/** Of a refusal, which is told to people. */
const maxWhyChars = 200;

export function openTransport({
  socketPath,
  timeoutMs = defaultEngineTimeoutMs,
  maxBytes = defaultEngineMaxBytes,
}: EngineAt): EngineTransport {
  // The whole answer has one deadline of its own, so the library's limits on its pieces are off.
  const agent = new Agent({ connect: { socketPath }, headersTimeout: 0, bodyTimeout: 0 });
  const send = (question: EngineQuestion, signal: AbortSignal | undefined) =>
    agent.request({
      origin: 'http://engine',
      path: pathOf(question),
      method: question.method,
      ...(question.body === undefined
        ? {}
        : { body: JSON.stringify(question.body), headers: { 'content-type': 'application/json' } }),
      ...(signal === undefined ? {} : { signal }),
    });

  return {
    socketPath,
    async ask(question) {
      const deadline = AbortSignal.timeout(timeoutMs + (question.extraMs ?? 0));
      const signal = question.signal === undefined ? deadline : AbortSignal.any([deadline, question.signal]);
      try {
        const answer = await send(question, signal);
        const bytes = await readAtMost(answer.body, question.maxBytes ?? maxBytes, question);
        if (answer.statusCode >= 400) throw refusal(question, answer.statusCode, bytes);
        return { status: answer.statusCode, bytes };
      } catch (error) {
        throw told(error, question, socketPath, deadline);
      }
    },
    async follow(question) {
      try {
        const { statusCode, body } = await send(question, question.signal);
        if (statusCode >= 400) throw refusal(question, statusCode, await readAtMost(body, maxBytes, question));
        return pieces(body, question, socketPath);
      } catch (error) {
        throw told(error, question, socketPath);
      }
    },
    close: () => agent.destroy(),
  };
}

async function* pieces(
  body: Dispatcher.ResponseData['body'],
  question: EngineQuestion,
  socketPath: string,
): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) yield piece as Buffer;
  } catch (error) {
    throw told(error, question, socketPath);
  }
}

function pathOf({ path, query = {} }: EngineQuestion): string {
  // A name of dots alone would be taken for a way up.
  const bad = path.find((part) => /^\.*$/.test(part));
  if (bad !== undefined) throw new RempartError('ERR_ENGINE_CONTAINER', { container: bad });
  const search = new URLSearchParams(query).toString();
  return `/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

async function readAtMost(
  body: Dispatcher.ResponseData['body'],
  maxBytes: number,
  question: EngineQuestion,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw engineError('ERR_ENGINE_ANSWER', question);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusal(question: EngineQuestion, status: number, bytes: Buffer): RempartError {
  const why = reasonIn(bytes);
  const container = question.path[0] === 'containers' ? question.path[1] : undefined;
  if (status === 404 && container !== undefined)
    return new RempartError('ERR_ENGINE_CONTAINER', { container: printable(container) });
  return engineError('ERR_ENGINE_REFUSED', question, { status, why });
}

function reasonIn(bytes: Buffer): string {
  try {
    const { message } = JSON.parse(bytes.toString('utf8')) as { message?: unknown };
    if (typeof message === 'string') return printable(message);
  } catch {
    // Not every refusal is JSON.
  }
  return printable(bytes.toString('utf8', 0, maxWhyChars * 4));
}

/** What an engine says may hold what a container's author wrote. */
export function printable(text: string): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return plain.length > maxWhyChars ? `${plain.slice(0, maxWhyChars)}…` : plain;
}

function told(error: unknown, question: EngineQuestion, socketPath: string, deadline?: AbortSignal): unknown {
  if (error instanceof RempartError) return error;
  if (question.signal?.aborted === true) return question.signal.reason;
  if (deadline?.aborted === true) return engineError('ERR_ENGINE_TIMEOUT', question);
  return new RempartError('ERR_ENGINE_UNREACHABLE', { socket: socketPath }, error);
}

export function engineError(code: ErrorCode, { method, path }: EngineQuestion, facts: Facts = {}): RempartError {
  return new RempartError(code, { what: printable(`${method} /${path.join('/')}`), ...facts });
}
