// What a call that can wait meets before it is made: its wishes are read, and one that was deferred already is not made again.
import type { IncomingHttpHeaders } from 'node:http';
import { RempartError } from '../../platform/base/errors.ts';
import type { ChatCall, Dialect, Wire, WireName } from '../gateway/dialects/dialect.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Deferral, DeferredCall, Ticket, Wishes } from './deferral.ts';
import type { CheckAddress } from './webhook-address.ts';
import { readWishes } from './wishes.ts';

/** What is needed to defer a call, should nobody answer it now. */
export interface Deferrable extends Wishes {
  dialect: Dialect['name'];
  wire: WireName;
}

export type BatchDoor = (
  headers: IncomingHttpHeaders,
  exchange: Exchange,
  asked: { call: ChatCall; dialect: Dialect; wire: Wire },
) => Promise<{ kind: 'go-on'; exchange: Exchange } | { kind: 'known'; ticket: Ticket }>;

/** Throws ERR_DEFERRED_HEADER, ERR_DEFERRED_WEBHOOK, ERR_REQUEST_ID_REUSED, ERR_STORE_AWAY. */
export function createBatchDoor(deferral: Deferral, checkAddress: CheckAddress): BatchDoor {
  return async (headers, exchange, { call, dialect, wire }) => {
    const wishes = readWishes(headers, checkAddress);
    const deferrable = { ...wishes, dialect: dialect.name, wire: nameOf(dialect, wire) };
    const { idempotencyKey } = wishes;
    if (idempotencyKey !== undefined) {
      const ticket = await deferral.known(deferredCall(exchange, deferrable, call), idempotencyKey);
      if (ticket !== undefined) return { kind: 'known', ticket };
    }
    return { kind: 'go-on', exchange: { ...exchange, deferrable } };
  };
}

export function deferredCall(
  { caller, operation, lang }: Exchange,
  { dialect, wire }: Deferrable,
  call: ChatCall,
): DeferredCall {
  // Its answer is looked at when it is there: nothing is streamed.
  return { kind: 'call', caller, operation, dialect, wire, lang, call: { ...call, stream: false } };
}

function nameOf(dialect: Dialect, wire: Wire): WireName {
  for (const [name, one] of Object.entries(dialect.wires)) if (one === wire) return name as WireName;
  throw new RempartError('ERR_INTERNAL');
}
