// Carries out what was decided for one call: relays it, edits its answer on the way, answers in the provider's place, or breaks it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { CallAction } from '../fault.ts';
import type { AnswerEdit, Step } from './answer-edit.ts';
import { createFrameSplitter, readFrame, streamFormat } from './frames.ts';

export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  body: Buffer;
  upstream: Pick<Dispatcher, 'request'>;
  /** Aborted when the fault goes: what it held back goes on at once. */
  lifted?: AbortSignal | undefined;
  /** Ends the caller's connection. */
  cut(how: 'close' | 'reset'): void;
  done(status: number | null, outcome: CallOutcome): void;
}

export type CallOutcome = 'passed' | 'faulted' | 'aborted';

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
]);

/** What was written may take this long to leave before its connection is cut. */
const beforeCutMs = 30;

export async function playCall(action: CallAction, exchange: Exchange): Promise<void> {
  const { res, done } = exchange;
  switch (action.act) {
    case 'relay':
      return relay(exchange, null, action.headers);
    case 'edit':
      return relay(exchange, action.edit);
    case 'answer':
      res.writeHead(action.status, action.headers).end(action.body);
      return done(action.status, 'faulted');
    case 'silence':
      // Held until the caller gives up or the fault ends and takes its connections along.
      res.once('close', () => done(null, 'faulted'));
      return;
    case 'cut-request':
      exchange.cut('reset');
      return done(null, 'faulted');
  }
}

async function relay(exchange: Exchange, edit: AnswerEdit | null, extra: Record<string, string> = {}): Promise<void> {
  const { req, res, body, upstream, done } = exchange;
  const abort = new AbortController();
  res.once('close', () => abort.abort());
  let answer: Dispatcher.ResponseData;
  try {
    answer = await upstream.request({
      path: req.url ?? '/',
      method: (req.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: forwardable(req, edit !== null),
      body: body.length > 0 ? body : null,
      signal: abort.signal,
    });
  } catch {
    done(null, 'aborted');
    exchange.cut('close');
    return;
  }
  const { statusCode } = answer;
  const headers = { ...responseHeaders(answer.headers), ...extra };
  const format = streamFormat(answer.headers['content-type']);
  try {
    if (edit === null) {
      res.writeHead(statusCode, headers);
      // A stream's head goes before its first event; else head and body may share a packet.
      if (format !== null) res.flushHeaders();
      await pass(answer.body, res);
    } else {
      // The length of the whole is promised: that is how its reader can tell that half is missing.
      const whole = format === null && edit.keepsLength ? Buffer.from(await answer.body.arrayBuffer()) : null;
      if (whole !== null) headers['content-length'] = String(whole.length);
      res.writeHead(statusCode, edit.headers?.(headers) ?? headers);
      res.flushHeaders();
      const steps = whole === null ? editedSteps(answer.body, edit, format) : edit.body(whole);
      if (!(await play(steps, exchange, abort.signal))) return done(statusCode, 'faulted');
    }
    res.end();
    done(statusCode, edit?.touched() === true ? 'faulted' : 'passed');
  } catch {
    done(statusCode, 'aborted');
    exchange.cut('close');
  } finally {
    answer.body.on('error', () => {}).destroy();
  }
}

/** As the bytes come, without a queue of our own. */
function pass(body: Dispatcher.ResponseData['body'], res: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    body.on('data', (chunk: Buffer) => {
      if (res.write(chunk)) return;
      body.pause();
      res.once('drain', () => body.resume());
    });
    body
      .once('end', resolve)
      .once('error', reject)
      .once('close', () => reject(new Error('the answer was cut')));
  });
}

async function* editedSteps(
  body: Dispatcher.ResponseData['body'],
  edit: AnswerEdit,
  format: ReturnType<typeof streamFormat>,
): AsyncGenerator<Step> {
  if (format === null) {
    yield* edit.body(Buffer.from(await body.arrayBuffer()));
    return;
  }
  const frames = createFrameSplitter(format);
  for await (const chunk of body) for (const frame of frames.push(chunk as Buffer)) yield* edit.frame(frame);
  // A last frame without its end counts as one.
  const rest = frames.rest();
  if (rest.length > 0) yield* edit.frame(readFrame(rest, format));
  yield* edit.end?.() ?? [];
}

/** True when the answer is to end in good order, false when its connection was cut. */
async function play(
  steps: AsyncIterable<Step> | Iterable<Step>,
  exchange: Exchange,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const step of steps) {
    if ('send' in step) exchange.res.write(step.send);
    else if ('waitMs' in step) await hold(step.waitMs, signal, exchange.lifted);
    else if ('finish' in step) return true;
    else {
      // Lets what was written leave, so that the caller sees a part of the answer.
      await sleep(beforeCutMs);
      exchange.cut(step.cut);
      return false;
    }
  }
  return true;
}

/** Rejects when the caller has gone. */
async function hold(ms: number, gone: AbortSignal, lifted: AbortSignal | undefined): Promise<void> {
  if (lifted?.aborted) return;
  const signal = lifted === undefined ? gone : AbortSignal.any([gone, lifted]);
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (gone.aborted) throw error;
  }
}

function forwardable(req: IncomingMessage, plain: boolean): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(req.headers).filter(
      (entry): entry is [string, string | string[]] =>
        entry[1] !== undefined &&
        !hopByHop.has(entry[0]) &&
        // Frames can be told apart only in an answer that is not compressed.
        !(plain && entry[0] === 'accept-encoding'),
    ),
  );
}

function responseHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !hopByHop.has(entry[0]),
    ),
  );
}
