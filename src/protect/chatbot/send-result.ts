// How the end of a turn goes out: as one JSON body or as events.
import type { ServerResponse } from 'node:http';
import type { Lang } from '../../platform/i18n/say.ts';
import { errorBody, eventFrame, sendJson } from './exchange.ts';
import type { TurnResult } from './turn-result.ts';

function headersOf(result: TurnResult): Record<string, string> {
  if (result.kind === 'aborted') return {};
  const headers: Record<string, string> = {};
  if (result.retryAfterSeconds !== undefined) headers['retry-after'] = String(result.retryAfterSeconds);
  if (result.kind === 'reply' && result.modes.length > 0) headers['x-rempart-degraded'] = result.modes.join(', ');
  return headers;
}

function bodyOf(result: Extract<TurnResult, { kind: 'reply' }>) {
  const { reply, conversation, degraded } = result;
  return { reply, conversation, ...(degraded === undefined ? {} : { degraded }) };
}

function cutBody(result: Extract<TurnResult, { kind: 'cut' }>, lang: Lang) {
  const { error } = errorBody(result.error, lang);
  return { error: { ...error, todo: result.notice }, conversation: result.conversation };
}

export function sendResult(res: ServerResponse, result: TurnResult, lang: Lang): void {
  if (result.kind === 'reply') sendJson(res, 200, bodyOf(result), headersOf(result));
  if (result.kind === 'cut') sendJson(res, result.error.http, cutBody(result, lang), headersOf(result));
  if (result.kind === 'aborted') res.destroy();
}

/** Answers as events; the headers wait for the first words, so that they can still say what is not as usual. */
export function createEvents(res: ServerResponse) {
  let begun = false;
  const begin = (headers: Record<string, string>) => {
    if (begun) return;
    begun = true;
    res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', ...headers });
  };
  return {
    delta(text: string): void {
      begin({});
      res.write(eventFrame('delta', { text }));
    },
    end(result: TurnResult, lang: Lang): void {
      if (result.kind === 'aborted') {
        res.destroy();
        return;
      }
      const streamed = begun;
      begin(headersOf(result));
      if (result.kind === 'cut') res.end(eventFrame('error', cutBody(result, lang)));
      else {
        if (!streamed) res.write(eventFrame('delta', { text: result.reply }));
        res.end(eventFrame('done', bodyOf(result)));
      }
    },
  };
}
