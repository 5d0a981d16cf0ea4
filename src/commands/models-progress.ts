// How far hashing has come, on standard error: one line that is written over, and only where a person looks on.
import type { CommandInput } from './command.ts';

export interface HashingProgress {
  options: { onPlan(bytes: number): void; onProgress(bytes: number): void };
  end(): void;
}

const everyMs = 100;
const width = 24;

export function hashingProgress(
  { say, stderr, json }: CommandInput,
  now: () => number = performance.now.bind(performance),
): HashingProgress {
  const shown = !json && 'isTTY' in stderr && stderr.isTTY === true;
  let all = 0;
  let done = 0;
  let began = now();
  let last = 0;
  return {
    options: {
      onPlan(bytes) {
        all += bytes;
        began = now();
      },
      onProgress(bytes) {
        done += bytes;
        if (!shown || now() - last < everyMs || all === 0) return;
        last = now();
        const share = Math.min(1, done / all);
        const bar = '█'.repeat(Math.round(share * width)).padEnd(width, '░');
        const seconds = Math.max(0.001, (last - began) / 1_000);
        const facts = { done: megabytes(done), all: megabytes(all), percent: Math.floor(share * 100) };
        stderr.write(
          `\r\u001b[K${bar} ${say('models.progress', { ...facts, speed: Math.round(done / 1e6 / seconds) })}`,
        );
      },
    },
    end() {
      if (last > 0) stderr.write('\r\u001b[K');
    },
  };
}

export function megabytes(bytes: number): string {
  return bytes < 1e7 ? (bytes / 1e6).toFixed(1) : String(Math.round(bytes / 1e6));
}
