// Alerts: every signal that matters, and every recovery, is POSTed at once to the address that the configuration names.
import type { Log } from '../../platform/base/log.ts';
import { say } from '../../platform/i18n/say.ts';
import type { Signal, Signals } from '../../platform/signals.ts';

export interface Webhook {
  /** Sends what still waits, for `withinMs` at most, then stops. */
  close(withinMs: number): Promise<void>;
}

export interface WebhookParts {
  url: string;
  signals: Signals;
  log: Log;
  now: () => number;
  post: (url: string, init: RequestInit) => Promise<{ ok: boolean }>;
}

const maxWaiting = 500;
const timeoutMs = 5_000;
const backoffMs = { first: 250, most: 30_000 };
/** The same signal again within this time is the same alert. */
const quietMs = 5_000;

/** Listens to the signals until closed; alerts that fail are sent again, in order, ever more slowly. */
export function startWebhook({ url, signals, log, now, post }: WebhookParts): Webhook {
  const waiting: Signal[] = [];
  const lastSent = new Map<string, number>();
  const stop = new AbortController();
  let sending: Promise<void> | undefined;

  async function sendAll(): Promise<void> {
    let wait = backoffMs.first;
    for (let signal = waiting[0]; signal !== undefined && !stop.signal.aborted; signal = waiting[0]) {
      if (await send(signal)) {
        waiting.shift();
        wait = backoffMs.first;
        continue;
      }
      await pause(wait, stop.signal);
      wait = Math.min(backoffMs.most, wait * 2);
    }
  }

  async function send(signal: Signal): Promise<boolean> {
    try {
      const { ok } = await post(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(alertOf(signal)),
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), stop.signal]),
        redirect: 'error',
      });
      if (!ok) log.warn({ signal: signal.kind }, 'the alert was refused and will be sent again');
      return ok;
    } catch (error) {
      log.warn({ err: error, signal: signal.kind }, 'the alert could not be sent and will be sent again');
      return false;
    }
  }

  const unsubscribe = signals.subscribe((signal) => {
    const recovered = signal.kind.endsWith('-recovered');
    if (!recovered && (signal.severity === 'info' || signal.severity === 'low')) return;
    const key = JSON.stringify([signal.kind, signal.facts['provider'] ?? null]);
    const last = lastSent.get(key);
    if (last !== undefined && now() - last < quietMs) return;
    // What comes after a recovery is news again.
    if (recovered) lastSent.clear();
    lastSent.set(key, now());
    if (waiting.length >= maxWaiting) waiting.splice(1, 1);
    waiting.push(signal);
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
  });

  return {
    async close(withinMs) {
      unsubscribe();
      if (sending !== undefined) await Promise.race([sending, pause(withinMs, stop.signal)]);
      stop.abort();
      await sending;
    },
  };
}

/** What an alert says: names and numbers of the configuration only, in both languages. */
function alertOf({ kind, severity, time, facts }: Signal) {
  const key = `signal.${kind}` as const;
  return {
    type: kind,
    severity,
    time: new Date(time).toISOString(),
    message: { en: say('en', key), fr: say('fr', key) },
    facts,
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
