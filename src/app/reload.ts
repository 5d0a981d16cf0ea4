// The configuration read anew while the instance runs: checked whole, applied at once or not at all.
import type { Config } from '../config.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { JsonObject } from '../platform/base/json.ts';
import type { Log } from '../platform/base/log.ts';
import { applicationLifecycle } from '../platform/journal/ocsf.ts';
import type { AtEnd } from './options.ts';

export interface Reloaded {
  /** Settings that differ from those before and hold from now on. */
  changed: string[];
  /** Settings that differ from those the instance was started with and hold only from its next start on. */
  needsRestart: string[];
}

export interface ReloadParts {
  /** Reads and checks the whole file; throws what is wrong with it. */
  load: () => Config;
  /** Makes what is new ready, which may throw, and then puts it in the place of the old, which may not. */
  apply: (next: Config) => Promise<void>;
  journal: { append(event: JsonObject): Promise<unknown> };
  log: Log;
  now: () => number;
}

export interface Reload {
  /** Throws what is wrong with the file; then everything is as before. One at a time. */
  reload(by: string): Promise<Reloaded>;
}

/** What is opened once, at the start: addresses, files, and parts that hold state of their own. */
const fixed = [
  'lang',
  'gateway.host',
  'gateway.port',
  'gateway.server',
  'gateway.workers',
  'console',
  'store',
  'chatbot',
  'deferred',
  'localAnswers.cache',
  'localAnswers.cacheMinutes',
  'localAnswers.cacheMegabytes',
  'models',
  'deployment',
  'posture',
  'alerts',
  'privacy',
  'tracing',
  'prediction',
  // Its actions, and what they may do, are handed out at the start.
  'respond',
  'screening.behaviour.warmAfter',
  'screening.behaviour.warmAfterMinutes',
] as const;

export function createReload({ load, apply, journal, log, now }: ReloadParts, started: Config): Reload {
  let current = started;
  let last: Promise<unknown> = Promise.resolve();

  async function once(by: string): Promise<Reloaded> {
    try {
      const next = load();
      await apply(next);
      const needsRestart = fixed.filter((path) => differs(at(started, path), at(next, path)));
      const changed = changes(current, next, '').filter((path) => !fixed.some((one) => within(path, one)));
      current = next;
      log.info({ by, changed, needsRestart }, 'the configuration was read anew');
      note(by, { changed, needsRestart: [...needsRestart] });
      return { changed, needsRestart: [...needsRestart] };
    } catch (error) {
      const code = error instanceof RempartError ? error.code : 'ERR_INTERNAL';
      const setting = error instanceof RempartError ? (error.facts['path'] ?? error.facts['key']) : undefined;
      const where = typeof setting === 'string' ? { setting } : {};
      log.error({ by, code, ...where }, 'the new configuration is refused; the one before still holds');
      note(by, { ...where }, code);
      throw error;
    }
  }

  function note(by: string, facts: JsonObject, code?: string): void {
    const result =
      code === undefined
        ? { status: 'success' as const }
        : { status: 'failure' as const, severity: 'medium' as const, statusCode: code };
    journal
      .append(
        applicationLifecycle({
          activity: 'update',
          app: 'configuration',
          time: now(),
          ...result,
          unmapped: { phase: 'reload', by, ...facts },
        }),
      )
      .catch((err: unknown) => log.error({ err }, 'a reload could not be journalled'));
  }

  return {
    reload(by) {
      const mine = last.then(() => once(by));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

/** SIGHUP reads the configuration anew; what is wrong with it is in the log and the journal. */
export function reloadOnHangup({ reload }: Reload, atEnd: AtEnd): void {
  if (process.platform === 'win32') return;
  const onHangup = () => void reload('SIGHUP').catch(() => undefined);
  process.on('SIGHUP', onHangup);
  atEnd(async () => void process.off('SIGHUP', onHangup));
}

/** The paths, as the file has them, at which two configurations differ; a list is compared as one. */
function changes(before: unknown, after: unknown, path: string): string[] {
  if (!differs(before, after)) return [];
  if (!isRecord(before) || !isRecord(after)) return [path];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => changes(before[name], after[name], path === '' ? name : `${path}.${name}`));
}

function differs(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

function within(path: string, part: string): boolean {
  return path === part || path.startsWith(`${part}.`);
}

function at(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), config);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
