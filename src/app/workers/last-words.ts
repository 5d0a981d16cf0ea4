// What those are told whose requests a worker has in hand when it meets its end: an error in their dialect's shape, or the end of their stream with one.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { dialectOf } from '../../protect/gateway/receive.ts';
import { langOf, viewOf } from '../../protect/gateway/reply.ts';

export interface UnderWay {
  add(res: ServerResponse): void;
  count(): number;
  /** Answers all of them, without waiting for anything: it may be the last that this thread does. */
  lastWords(): void;
}

export function createUnderWay(lang: Lang): UnderWay {
  const open = new Set<ServerResponse>();
  return {
    add(res) {
      open.add(res);
      res.once('close', () => open.delete(res));
    },
    count: () => open.size,
    lastWords() {
      for (const res of open) {
        try {
          tell(res, lang);
        } catch {
          // The others are told all the same.
          res.destroy();
        }
      }
      open.clear();
    },
  };
}

function tell(res: ServerResponse<IncomingMessage>, fallback: Lang): void {
  if (res.destroyed || res.writableEnded) return;
  const { req } = res;
  const lang = langOf(req, fallback);
  const view = viewOf(new RempartError('ERR_WORKER_LOST'), lang);
  const dialect = dialectOf((req.url ?? '/').split('?', 1)[0] ?? '/', req.headers['user-agent']);
  const body = dialect.writeError(view);
  if (!res.headersSent) {
    const text = JSON.stringify(body);
    res.writeHead(view.status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'content-language': lang,
      'retry-after': '1',
      'x-should-retry': 'true',
      connection: 'close',
    });
    res.end(text);
    return;
  }
  const type = String(res.getHeader('content-type') ?? '');
  if (type.startsWith('application/x-ndjson')) res.end(`${JSON.stringify(body)}\n`);
  else if (type.startsWith('text/event-stream')) {
    // Mistral's clients look for it where OpenAI's do.
    const frame = dialect.name === 'mistral' ? { error: body } : body;
    res.end(`data: ${JSON.stringify(frame)}\n\n`);
  } else res.destroy();
}
