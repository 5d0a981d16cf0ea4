// What a fault on a TCP stream is made of: a stage in one direction of one connection, between the bytes that come and those that go on.

/** How a stream ends: one side has finished speaking, the whole connection closes in order (FIN), or it is reset (RST). */
export type Ending = 'half' | 'close' | 'reset';

/** What comes after a stage. */
export interface Onward {
  write(chunk: Buffer): void;
  end(how: Ending): void;
}

export interface Stage {
  write(chunk: Buffer): void;
  end(how: Ending): void;
  /** Gives up all it holds, at once and in order: its toxic changes or goes, and nobody may wait for traffic. */
  release(): void;
  /** Ends its timers; what it holds is lost with its connection. */
  stop(): void;
  /** Bytes that came and have not gone on. */
  held(): number;
  /** The source is not read while more than this is held. */
  readonly maxHeld: number;
  /** Called after `release` when the toxic was removed, not only changed. */
  removed?(): void;
}

export interface StageParts<A> {
  attributes: A;
  onward: Onward;
  /** Milliseconds of a clock that only goes forward. */
  now: () => number;
  /** Seeded per connection and toxic. */
  random: () => number;
  /** What outlives a change of the toxic on the same connection. */
  memory: { bytes: number };
}

/** One kind of toxic: its attributes with their defaults, in the order in which they are shown, and its stage. */
export interface ToxicKind<A extends Readonly<Record<string, number>> = Readonly<Record<string, number>>> {
  /** How a Go client's error names the kind. */
  goName: string;
  defaults: A;
  start(parts: StageParts<A>): Stage;
}

export const defaultMaxHeld = 256 * 1024;
const longestTimerMs = 2_147_483_647;

/** A timer that is started anew with each `set`; what is longer than a timer can be ends at that length. */
export function createTimer(ring: () => void): { set(ms: number): void; clear(): void; readonly isSet: boolean } {
  let timer: NodeJS.Timeout | undefined;
  return {
    set(ms) {
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          timer = undefined;
          ring();
        },
        Math.min(Math.max(0, ms), longestTimerMs),
      );
    },
    clear() {
      clearTimeout(timer);
      timer = undefined;
    },
    get isSet() {
      return timer !== undefined;
    },
  };
}
