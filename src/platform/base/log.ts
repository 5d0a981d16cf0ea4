// The technical log: pino to stderr or a file, with everything that could be a secret redacted. Users never read this stream.
import pino, { type Logger } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

// Keys by their usual names at any of the depths our own code logs; headers are never logged whole.
const secretNames = [
  'key',
  'apiKey',
  'authorization',
  'password',
  'secret',
  'token',
  'cookie',
  'prompt',
  'message',
  'text',
];
const paths = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** A log that writes JSON lines to `destination` (a file descriptor; 2 is stderr), each with `base` in it. */
export function createLog(
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent',
  destination: number = 2,
  base: Readonly<Record<string, number>> | null = null,
): Log {
  return pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: '[redacted]' },
      serializers: { err: safeError },
    },
    pino.destination({ fd: destination, sync: true }),
  );
}

/** From now on lines below `level` are left out. */
export function setLogLevel(log: Log, level: 'debug' | 'info' | 'warn' | 'error' | 'silent'): void {
  (log as Logger).level = level;
}

/** What a log may say of an error: its codes. Messages, stacks and causes can quote upstream hosts, paths and keys. */
export function safeError(error: unknown): { name: string; code?: string; cause?: string } {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = codeOf(error);
  const cause = error.cause instanceof Error ? (codeOf(error.cause) ?? error.cause.name) : undefined;
  return { name: error.name, ...(code === undefined ? {} : { code }), ...(cause === undefined ? {} : { cause }) };
}

function codeOf(error: Error): string | undefined {
  const code = (error as Error & { code?: unknown }).code;
  return typeof code === 'string' ? code : undefined;
}
