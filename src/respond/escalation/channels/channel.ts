// What a channel is: a way to reach somebody. It speaks its protocol; the outbox repeats and remembers.
import type { Notice } from '../notice.ts';

export const channelNames = ['mail', 'slack', 'webhook', 'phone'] as const;
export type ChannelName = (typeof channelNames)[number];

export interface Delivery {
  /** The same message has the same id, however often it is sent. */
  id: string;
  /** Of the contact, as the profile has it. */
  address: string;
  notice: Notice;
}

export type Delivered =
  | { kind: 'taken' }
  /** It stays on the list of what people have to do by hand. */
  | { kind: 'shown' }
  /** Not now and not later; `why` is a code of the protocol, never an address. */
  | { kind: 'refused'; why: string };

export interface Channel {
  /** Throws ChannelAway when it may go better later. */
  send(delivery: Delivery, signal: AbortSignal): Promise<Delivered>;
  /** It only shows what somebody has to do: nobody is told by that. */
  byHand?: boolean;
  /** Whether it could reach this address at all. */
  reaches(address: string): boolean;
  close(): void;
}

export type Channels = Partial<Record<ChannelName, Channel>>;

export class ChannelAway extends Error {
  override readonly name = 'ChannelAway';
  readonly why: string;
  readonly retryAfterMs: number | undefined;

  constructor(why: string, retryAfterMs?: number, cause?: unknown) {
    super(`reach a channel: ${why}`, cause === undefined ? undefined : { cause });
    this.why = why;
    this.retryAfterMs = retryAfterMs;
  }
}
