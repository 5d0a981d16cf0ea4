// One client's connection and what lies behind it, joined by two links; each side's half-close reaches the other.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createLink, type Link } from './link.ts';
import type { Direction, Ends } from './toxics.ts';

export interface Connection extends Ends {
  close(how: 'close' | 'reset'): void;
}

export interface ConnectionParts {
  ordinal: number;
  client: Socket;
  /** Already connected. */
  upstream: Duplex;
  count(direction: Direction, bytes: number): void;
  closed(): void;
}

/** How long a side may take to answer our end before its socket is taken away. */
const graceMs = 1000;

export function joinConnection(parts: ConnectionParts): Connection {
  const { client, upstream } = parts;
  let over = false;

  const finish = () => {
    if (over) return false;
    over = true;
    links.upstream.stop();
    links.downstream.stop();
    parts.closed();
    return true;
  };
  const close = (how: 'close' | 'reset') => {
    if (!finish()) return;
    for (const side of [client, upstream]) {
      if (how === 'reset') resetSide(side);
      else endGently(side);
    }
  };
  const links: Record<Direction, Link> = {
    upstream: createLink({
      source: client,
      sink: upstream,
      onEnd: close,
      count: (bytes) => parts.count('upstream', bytes),
    }),
    downstream: createLink({
      source: upstream,
      sink: client,
      onEnd: close,
      count: (bytes) => parts.count('downstream', bytes),
    }),
  };

  for (const [side, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    side.on('error', () => close('reset'));
    side.on('close', () => {
      if (over) return;
      // Both directions came to their end by themselves: what the other side still has to send may go.
      if (side.readableEnded && side.writableFinished && (links.upstream.ended() || links.downstream.ended())) {
        if (links.upstream.ended() && links.downstream.ended()) finish();
        return;
      }
      if (finish()) endGently(other);
    });
  }
  return { ordinal: parts.ordinal, links, memory: new Map(), close };
}

/** FIN, and what still comes is read and dropped: a socket closed over unread bytes would send RST instead. */
export function endGently(side: Duplex): void {
  if (side.destroyed) return;
  side.on('error', () => {});
  side.resume();
  side.end();
  const late = setTimeout(() => side.destroy(), graceMs);
  late.unref();
  side.once('close', () => clearTimeout(late));
}

function resetSide(side: Duplex): void {
  side.on('error', () => {});
  if (side instanceof Socket && !side.destroyed) side.resetAndDestroy();
  else side.destroy();
}
