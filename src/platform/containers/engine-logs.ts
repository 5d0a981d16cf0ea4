// What a container wrote, out of the engine's frames, the newest where it is more than may be kept.
import { RempartError } from '../base/errors.ts';
import type { EngineTransport } from './engine-transport.ts';

export interface EngineLogs {
  bytes: Buffer;
  /** Older bytes that were left out. */
  dropped: number;
}

export interface LogOptions {
  sinceMs?: number | undefined;
  /** With a terminal the engine sends what was written as it is, without frames. */
  tty?: boolean | undefined;
  maxBytes?: number | undefined;
  signal?: AbortSignal | undefined;
  /** However long the container goes on writing. */
  withinMs?: number | undefined;
}

const defaultMaxBytes = 32 * 1024 * 1024;
const headerBytes = 8;

export async function readLogs(
  transport: Pick<EngineTransport, 'follow'>,
  container: string,
  { sinceMs, tty = false, maxBytes = defaultMaxBytes, signal, withinMs = 60_000 }: LogOptions = {},
): Promise<EngineLogs> {
  const deadline = AbortSignal.timeout(withinMs);
  const pieces = await transport.follow({
    method: 'GET',
    path: ['containers', container, 'logs'],
    query: {
      stdout: 'true',
      stderr: 'true',
      timestamps: 'true',
      ...(sinceMs === undefined ? {} : { since: String(Math.floor(sinceMs / 1_000)) }),
    },
    signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
  });
  const newest = keepNewest(maxBytes);
  try {
    for await (const payload of tty ? pieces : payloads(pieces)) newest.add(payload);
  } catch (error) {
    if (!deadline.aborted || signal?.aborted === true) throw error;
    throw new RempartError('ERR_ENGINE_TIMEOUT', { what: 'GET /containers/…/logs' });
  }
  return newest.whole();
}

/** Frames of the engine's stream: one byte for the stream, three of nothing, four with the length. */
async function* payloads(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let header = Buffer.alloc(0);
  let left = 0;
  for await (const piece of pieces) {
    let rest = piece;
    while (rest.length > 0) {
      if (left > 0) {
        const part = rest.subarray(0, left);
        left -= part.length;
        rest = rest.subarray(part.length);
        yield part;
        continue;
      }
      const missing = headerBytes - header.length;
      header = Buffer.concat([header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (header.length < headerBytes) continue;
      if (header[0]! > 2 || header.readUIntBE(1, 3) !== 0)
        throw new RempartError('ERR_ENGINE_ANSWER', { what: 'GET /containers/…/logs' });
      left = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
  }
}

function keepNewest(maxBytes: number): { add(bytes: Buffer): void; whole(): EngineLogs } {
  let kept: Buffer[] = [];
  let size = 0;
  let dropped = 0;
  const trim = () => {
    const whole = Buffer.concat(kept);
    const over = Math.max(0, whole.length - maxBytes);
    dropped += over;
    // A copy: what was left out is not held in memory by what is kept of it.
    kept = [Buffer.from(whole.subarray(over))];
    size = whole.length - over;
  };
  return {
    add(bytes) {
      kept.push(bytes);
      size += bytes.length;
      // Seldom, so that a long log costs no copy for each of its lines.
      if (size > 2 * maxBytes) trim();
    },
    whole() {
      trim();
      return { bytes: kept[0]!, dropped };
    },
  };
}
