// What a running instance is told when it starts, and what it hands back.
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import type { Lang } from '../platform/i18n/say.ts';
import type { Action } from '../respond/engine/action.ts';
import type { Respond } from './respond.ts';

export interface AppOptions {
  config: Config;
  data: string;
  /** The file that the configuration was read from: with it, a departure from the signed baseline is told. */
  configFile?: string;
  /** Reads the configuration anew, with what the command line says; without it nothing is reloaded. */
  loadAnew?: () => Config;
  lang: Lang;
  /** Called once the data directory is held, so that a log in it has one writer. */
  openLog: () => Log;
  /** The file descriptor that the log writes to; default: standard error. */
  logTo?: () => number;
  /** Ends a start that is under way; once it is done, `close` does. */
  signal: AbortSignal;
  /** For a drill: what the instance responds with, before it watches. */
  onRespond?: (respond: Respond) => void;
  /** For a drill: puts another action in the place of one. */
  respondWith?: (actions: readonly Action[]) => readonly Action[];
}

export interface App {
  gatewayUrl: string;
  consoleUrl: string;
  /** Threads that serve the gateway. */
  workers: number;
  /** No provider is configured, so the stand-in answers. */
  standin: boolean;
  /** The database could not be reached: conversations wait on this machine until it is back. */
  storeAway: boolean;
  /** At the first start: what is shown once and kept nowhere in clear. */
  firstRun?: { password?: string; apiKey?: string };
  close(): Promise<void>;
}

/** Remembers how a part is ended; throws once the start is no longer wanted. */
export type AtEnd = (end: () => Promise<void>) => void;

/** How long those at work get when the instance ends. */
export const drainMs = 2_000;
