// What a client that can wait says of its request: until when, under which key of its own, and where the answer is to be sent.
import type { IncomingHttpHeaders } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import type { Wishes } from './deferral.ts';
import type { CheckAddress } from './webhook-address.ts';

/** Printable, since it is a name; no longer than those that clients make (a UUID has 36). */
const keyForm = /^[\x21-\x7e]{1,200}$/;

/** Throws ERR_DEFERRED_HEADER, ERR_DEFERRED_WEBHOOK. */
export function readWishes(headers: IncomingHttpHeaders, checkAddress: CheckAddress): Wishes {
  const idempotencyKey = one(headers, 'idempotency-key');
  const deadline = one(headers, 'x-rempart-deadline');
  const webhook = one(headers, 'x-rempart-webhook');
  if (idempotencyKey !== undefined && !keyForm.test(idempotencyKey)) throw refused('idempotency-key');
  if (deadline !== undefined && !/^[1-9]\d{0,8}$/.test(deadline)) throw refused('x-rempart-deadline');
  if (webhook !== undefined) checkAddress(webhook);
  return {
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(deadline === undefined ? {} : { deadlineMs: Number(deadline) * 1_000 }),
    ...(webhook === undefined ? {} : { webhook }),
  };
}

function one(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  if (value === undefined || typeof value === 'string') return value === '' ? undefined : value;
  throw refused(name);
}

function refused(name: string): RempartError {
  return new RempartError('ERR_DEFERRED_HEADER', { name });
}
