// Bodies that come compressed though nobody asked for that: decoded piece by piece, no faster than they are taken.
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import type { ProviderHeaders } from '../../platform/wire/provider-errors.ts';

export interface BodyDecoder {
  /** False: it has enough for now, and says when it wants more. */
  write(chunk: Uint8Array): boolean;
  end(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

export interface DecoderHears {
  data(chunk: Uint8Array): void;
  end(): void;
  /** Broken data, or what `data` has thrown. */
  error(error: unknown): void;
  drain(): void;
}

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** undefined: it is as it is. 'unknown': several codings, or one that nobody here knows. */
export function codingOf(headers: ProviderHeaders): Coding | 'unknown' | undefined {
  const said = headers['content-encoding'];
  if (said === undefined) return undefined;
  const names = String(said)
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  const [name] = names;
  if (name === undefined) return undefined;
  if (names.length > 1) return 'unknown';
  if (name === 'x-gzip') return 'gzip';
  return name === 'gzip' || name === 'deflate' || name === 'br' || name === 'zstd' ? name : 'unknown';
}

export function createBodyDecoder(coding: Coding, hears: DecoderHears): BodyDecoder {
  let stream: Transform | undefined;
  let isOver = false;
  let isPaused = false;

  function fail(error: unknown): void {
    if (isOver) return;
    isOver = true;
    stream?.destroy();
    hears.error(error);
  }

  function open(first: Uint8Array): Transform {
    const made = makeStream(coding, first);
    made.on('data', (chunk: Uint8Array) => {
      if (isOver) return;
      try {
        hears.data(chunk);
      } catch (error) {
        fail(error);
      }
    });
    made.on('end', () => {
      if (isOver) return;
      isOver = true;
      hears.end();
    });
    made.on('drain', hears.drain);
    made.on('error', fail);
    if (isPaused) made.pause();
    return made;
  }

  return {
    write(chunk) {
      if (isOver) return true;
      stream ??= open(chunk);
      return stream.write(chunk);
    },
    end() {
      if (stream !== undefined) stream.end();
      else if (!isOver) {
        isOver = true;
        hears.end();
      }
    },
    pause() {
      isPaused = true;
      stream?.pause();
    },
    resume() {
      isPaused = false;
      stream?.resume();
    },
    destroy() {
      isOver = true;
      stream?.destroy();
    },
  };
}

function makeStream(coding: Coding, first: Uint8Array): Transform {
  if (coding === 'gzip') return createGunzip();
  if (coding === 'br') return createBrotliDecompress();
  if (coding === 'zstd') return createZstdDecompress();
  // RFC 9110 §8.4.1.2: with zlib's two bytes before it, which some servers leave out.
  const [one = 0, other = 0] = first;
  return (one & 0x0f) === 8 && ((one << 8) | other) % 31 === 0 ? createInflate() : createInflateRaw();
}
