// The log files of a deployment profile as one stream of lines, for every detector that reads them.
import { globSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, join, relative } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../../platform/base/write-whole.ts';
import type { DetectorContext } from './detector.ts';
import { harmless } from './harmless.ts';
import { createTail, type Tail, type TailLine, type TailPlace } from './tail.ts';
import { lookEvery, type Timers } from './timers.ts';

export interface LogLine extends TailLine {
  /** The file as the profile names it, or its own name where a pattern found it. */
  file: string;
  path: string;
}

export interface LogFollower {
  /** Reads while somebody follows. */
  follow(
    context: Pick<DetectorContext, 'alive' | 'failed' | 'log'>,
    take: (line: LogLine) => void,
  ): { close(): Promise<void> };
  state(): { files: number; unreadable: number; skippedBytes: number };
}

export interface LogFollowerParts {
  /** Paths, or patterns with `*`. */
  patterns: readonly string[];
  /** What relative ones are relative to. */
  folder: string;
  /** Where it is kept how far each was read; none: what was written while nobody read is passed over. */
  placesFile?: string;
  timers: Timers;
  everyMs?: number;
}

const mostFiles = 200;
const searchMs = 5_000;
const keepMs = 5_000;

const placeSchema = z.strictObject({
  inode: z.number(),
  byte: z.number().min(0),
  headBytes: z.number().min(0).max(4_096),
  headHash: z.string(),
});
const placesSchema = z.strictObject({ files: z.record(z.string(), placeSchema) });

type Follower = { context: Pick<DetectorContext, 'alive' | 'failed' | 'log'>; take: (line: LogLine) => void };

export function createLogFollower(parts: LogFollowerParts): LogFollower {
  const { patterns, folder, placesFile, timers, everyMs = 300 } = parts;
  const followers = new Set<Follower>();
  const tails = new Map<string, Tail>();
  const unreadable = new Set<string>();
  let known: Readonly<Record<string, TailPlace>> | undefined;
  let isFirst = true;
  let looks = 0;
  let keptText = '';
  let running: { close(): Promise<void> } | undefined;

  function search(): void {
    known ??= readPlaces(placesFile);
    for (const pattern of patterns) {
      const path = isAbsolute(pattern) ? pattern : join(folder, pattern);
      const found = /[*?[{]/.test(pattern) ? globSync(path).sort() : [path];
      for (const one of found) {
        if (tails.has(one) || tails.size >= mostFiles) continue;
        const from = known[one];
        // What appears later is new from its first line on.
        tails.set(one, createTail(one, { ...(from === undefined ? {} : { from }), end: isFirst }));
      }
    }
    isFirst = false;
  }

  async function look(): Promise<void> {
    if (looks++ % Math.max(1, Math.round(searchMs / everyMs)) === 0) search();
    let firstError: unknown;
    for (const [path, tail] of tails) {
      try {
        await tail.look((line) => hand({ ...line, path, file: nameOf(path) }));
        unreadable.delete(path);
      } catch (error) {
        firstError ??= error;
        if (unreadable.size < mostFiles) unreadable.add(path);
      }
    }
    if (looks % Math.max(1, Math.round(keepMs / everyMs)) === 0) keep();
    // One file that may not be read is no reason to stop reading the others.
    if (firstError !== undefined && unreadable.size === tails.size) throw firstError;
  }

  function hand(line: LogLine): void {
    for (const { context, take } of followers) {
      try {
        take(line);
      } catch (err) {
        context.failed(err);
      }
    }
  }

  function nameOf(path: string): string {
    const inside = relative(folder, path);
    return harmless(inside.startsWith('..') || isAbsolute(inside) ? basename(path) : inside, 100);
  }

  function keep(): void {
    if (placesFile === undefined) return;
    const files = Object.fromEntries(
      [...tails].flatMap(([path, tail]) => {
        const place = tail.place();
        return place === undefined ? [] : [[path, place]];
      }),
    );
    const text = `${JSON.stringify({ files })}\n`;
    if (text === keptText) return;
    writeWhole(placesFile, [text]);
    keptText = text;
  }

  /** The looks speak for all who follow. */
  const everyone: Follower['context'] = {
    alive: () => {
      for (const { context } of followers) context.alive();
    },
    failed: (error) => {
      for (const { context } of followers) context.failed(error);
    },
    log: { debug() {}, info() {}, warn: (...told: unknown[]) => tellFirst(told), error() {} },
  };
  function tellFirst([facts]: unknown[]): void {
    const [first] = followers;
    first?.context.log.warn({ ...(facts as object) }, 'log files could not be read');
  }

  return {
    follow(context, take) {
      const follower = { context, take };
      followers.add(follower);
      running ??= lookEvery({ timers, ms: everyMs }, everyone, look);
      return {
        async close() {
          followers.delete(follower);
          if (followers.size > 0 || running === undefined) return;
          const ending = running;
          running = undefined;
          await ending.close();
          keep();
        },
      };
    },
    state: () => ({
      files: tails.size,
      unreadable: unreadable.size,
      skippedBytes: [...tails.values()].reduce((sum, tail) => sum + tail.skippedBytes(), 0),
    }),
  };
}

/** Of no use any more when it cannot be read: reading then begins at the files' ends. */
function readPlaces(file: string | undefined): Readonly<Record<string, TailPlace>> {
  if (file === undefined) return {};
  try {
    return placesSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).files;
  } catch {
    return {};
  }
}
