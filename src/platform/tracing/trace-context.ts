// The headers `traceparent` and `tracestate` (W3C Trace Context, level 2): read from callers, written for providers.
import { randomFillSync } from 'node:crypto';

export interface TraceContext {
  /** 32 hexadecimal digits, not all zero. */
  traceId: string;
  /** 16 of them: the span that what follows belongs to. */
  spanId: string;
  isSampled: boolean;
  /** What other systems noted, passed on as it is. */
  state?: string;
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const maxStateLength = 512;

/** Undefined for what is none, and then nothing of it is used (§3.2.2.5, §4.3). */
export function readTraceContext(
  parent: string | string[] | undefined,
  state: string | string[] | undefined,
): TraceContext | undefined {
  if (typeof parent !== 'string' || parent.length > 512) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = pattern.exec(parent.trim()) ?? [];
  // A later version may have more fields, this one has four; ff is forbidden.
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const context = { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
  const noted = Array.isArray(state) ? state.join(',') : state;
  return noted === undefined || noted === '' || noted.length > maxStateLength || !/^[\x20-\x7e]*$/.test(noted)
    ? context
    : { ...context, state: noted };
}

export function traceHeaders({ traceId, spanId, isSampled, state }: TraceContext): Record<string, string> {
  return {
    traceparent: `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`,
    ...(state === undefined ? {} : { tracestate: state }),
  };
}

/** Drawn in bulk: one call for each id would cost more than the rest of a span. */
const pool = Buffer.alloc(4_096);
let left = 0;

function randomHex(bytes: 8 | 16): string {
  if (left < bytes) {
    randomFillSync(pool);
    left = pool.length;
  }
  left -= bytes;
  return pool.toString('hex', left, left + bytes);
}

export const newTraceId = () => randomHex(16);
export const newSpanId = () => randomHex(8);
