// The body of a request, read whole within its limits, as one JSON value.
import type { IncomingMessage } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import { notesOf } from './request-notes.ts';
import { parseStrictJson } from './strict-json.ts';

export interface BodyLimits {
  maxBodyBytes: number;
  maxBodyDepth: number;
}

/** Rejects with ERR_BODY_…; with undefined when the client went away first. */
export async function readBody(req: IncomingMessage, limits: BodyLimits): Promise<Json> {
  refuseEncoding(req);
  if (Number(req.headers['content-length'] ?? 0) > limits.maxBodyBytes) throw tooLarge(limits);
  const body = parseStrictJson(await readBytes(req, limits), limits.maxBodyDepth);
  notesOf(req).inspect?.(body);
  return body;
}

/** From then on the body of this request, whoever reads it, is shown to `inspect` first; what that throws, the reader meets. */
export function inspectBodyWith(req: IncomingMessage, inspect: (body: Json) => void): void {
  notesOf(req).inspect = inspect;
}

/** What we do not decode we refuse, so that nobody downstream decodes what was not checked. */
function refuseEncoding({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new RempartError('ERR_BODY_ENCODING');
  const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(headers['content-type'] ?? '')?.[1];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') throw new RempartError('ERR_BODY_ENCODING');
}

function readBytes(req: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.maxBodyBytes) {
        req.removeAllListeners('data');
        reject(tooLarge(limits));
      } else chunks.push(chunk);
    });
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    req.on('error', () => reject(new RempartError('ERR_BODY_JSON')));
    // Every request closes: an error built for nothing takes 6 µs.
    req.on('close', () => {
      if (!req.readableEnded) reject(new RempartError('ERR_BODY_JSON'));
    });
  });
}

function tooLarge({ maxBodyBytes }: BodyLimits): RempartError {
  return new RempartError('ERR_BODY_TOO_LARGE', { limit: maxBodyBytes });
}
