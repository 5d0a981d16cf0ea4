// How far `analyze` has come, on stderr: a bar that a terminal redraws, or a plain line now and then.
import type { Progress } from '../analyze/pipeline.ts';
import { words } from '../analyze/report/words.ts';
import type { CommandInput } from './command.ts';

export interface Watch {
  show: (progress: Progress) => void;
  end: () => void;
}

/** What is over sooner needs no bar: the threads alone take that long to start. */
const quietMs = 2_000;
const barEveryMs = 120;
const lineEveryMs = 5_000;
const barWidth = 24;

export function watchProgress(
  input: Pick<CommandInput, 'stderr' | 'say' | 'lang'>,
  now: () => number = () => performance.now(),
): Watch {
  const terminal = (input.stderr as NodeJS.WriteStream).isTTY === true;
  const begun = now();
  let drawn = begun + quietMs - (terminal ? barEveryMs : lineEveryMs);
  let dirty = false;
  return {
    show(progress) {
      const at = now();
      if (at - begun < quietMs || at - drawn < (terminal ? barEveryMs : lineEveryMs)) return;
      drawn = at;
      const text = progressText(progress, (at - begun) / 1_000, input);
      input.stderr.write(terminal ? `\r\u001b[2K${bar(progress)}${text}` : `${text}\n`);
      dirty = terminal;
    },
    end() {
      if (dirty) input.stderr.write('\r\u001b[2K');
    },
  };
}

function bar({ bytesRead, bytesInAll }: Progress): string {
  if (bytesInAll === null || bytesInAll === 0) return '';
  const done = Math.round(Math.min(1, bytesRead / bytesInAll) * barWidth);
  return `${'█'.repeat(done)}${'░'.repeat(barWidth - done)} `;
}

/** Megabytes per second so far, and how long the rest takes at that pace. */
export function progressText(
  { bytesRead, bytesInAll, conversations, known }: Progress,
  seconds: number,
  { say, lang }: Pick<CommandInput, 'say' | 'lang'>,
): string {
  const { number, counted } = words(lang);
  const mega = (bytes: number) => number(Math.round(bytes / 1e5) / 10);
  const pace = bytesRead / Math.max(seconds, 0.001);
  const facts = {
    done: mega(bytesRead),
    rate: number(Math.round(pace / 1e5) / 10),
    conversations: counted('analyze.count.conversations', conversations),
    known: number(known),
  };
  const more = known === 0 ? '' : ` ${say('analyze.cli.progress.known', facts)}`;
  if (bytesInAll === null) return `${say('analyze.cli.progress.open', facts)}${more}`;
  const left = Math.max(0, bytesInAll - bytesRead) / Math.max(pace, 1);
  const percent = Math.min(100, Math.floor((bytesRead / Math.max(1, bytesInAll)) * 100));
  return `${say('analyze.cli.progress', { ...facts, percent, total: mega(bytesInAll), eta: duration(left) })}${more}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const pad = (part: number) => String(part).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${pad(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}
