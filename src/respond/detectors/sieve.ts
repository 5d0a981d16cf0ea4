// Which detections are handed on at once, and which are counted and handed on as a number: repeats, and floods of one type.
import type { Detection } from './detector.ts';
import type { HubEvent } from './hub.ts';

export interface SieveSettings {
  /** The same type and subject within it is a repeat. */
  repeatMs: number;
  /** Subjects of one type in a minute; more are told of together. */
  subjectsPerMinute: number;
}

export interface Sieve {
  take(detection: Detection): void;
  /** Closes the windows that are over. */
  tick(): void;
  /** Closes all of them. */
  flush(): void;
  suppressed(): { repeats: number; throttled: number; byType: Readonly<Record<string, number>> };
}

export interface SieveParts {
  now(): number;
  steady(): number;
  pass(detection: Detection): void;
  tell(event: HubEvent): void;
}

interface Window {
  since: number;
  severity: Detection['severity'];
  repeats: number;
  last: Detection;
}

interface Flow {
  since: number;
  subjects: number;
  held: { count: number; subjects: Set<string>; first: Detection; severity: Detection['severity'] } | undefined;
}

const defaults: SieveSettings = { repeatMs: 60_000, subjectsPerMinute: 10 };
const ranks = { low: 0, medium: 1, high: 2, critical: 3 } as const;
/** The subject of what is told of together. */
export const severalSubjects = 'several';
const minuteMs = 60_000;
const mostSubjects = 1_000;

export function createSieve({ now, steady, pass, tell }: SieveParts, given: Partial<SieveSettings>): Sieve {
  const { repeatMs, subjectsPerMinute } = { ...defaults, ...given };
  const windows = new Map<string, Window>();
  const flows = new Map<string, Flow>();
  const byType: Record<string, number> = {};
  let repeats = 0;
  let throttled = 0;

  function repeated(window: Window, detection: Detection): void {
    window.last = detection;
    // What turns out worse than was told is news.
    if (ranks[detection.severity] > ranks[window.severity]) {
      window.severity = detection.severity;
      pass(detection);
      return;
    }
    window.repeats++;
    repeats++;
    byType[detection.type] = (byType[detection.type] ?? 0) + 1;
  }

  function flowOf(type: string): Flow {
    const known = flows.get(type);
    if (known !== undefined) return known;
    const flow: Flow = { since: steady(), subjects: 0, held: undefined };
    flows.set(type, flow);
    return flow;
  }

  function hold(flow: Flow, detection: Detection): void {
    throttled++;
    byType[detection.type] = (byType[detection.type] ?? 0) + 1;
    if (flow.held === undefined) {
      flow.held = { count: 1, subjects: new Set([detection.subject]), first: detection, severity: detection.severity };
      // The first beyond the limit is told at once: that there are several is news.
      pass(together(flow.held));
      return;
    }
    flow.held.count++;
    if (flow.held.subjects.size < mostSubjects) flow.held.subjects.add(detection.subject);
    if (ranks[detection.severity] > ranks[flow.held.severity]) flow.held.severity = detection.severity;
  }

  function together({ count, subjects, first, severity }: NonNullable<Flow['held']>): Detection {
    return { ...first, subject: severalSubjects, severity, facts: { suppressed: count, subjects: subjects.size } };
  }

  function closeWindow(key: string, window: Window): void {
    windows.delete(key);
    if (window.repeats === 0) return;
    const { type, subject } = window.last;
    const facts = { ...window.last.facts, repeats: window.repeats };
    tell({ kind: 'suppressed', time: now(), why: 'repeat', type, subject, count: window.repeats });
    pass({ ...window.last, severity: window.severity, facts });
    // It goes on: the next one is a repeat still.
    windows.set(key, { ...window, since: steady(), repeats: 0 });
  }

  function closeFlow(type: string, flow: Flow): void {
    flows.delete(type);
    const { held } = flow;
    if (held === undefined) return;
    tell({ kind: 'suppressed', time: now(), why: 'throttle', type, subject: severalSubjects, count: held.count });
    if (held.count > 1) pass(together(held));
  }

  function close(isOver: (since: number, lengthMs: number) => boolean): void {
    for (const [key, window] of [...windows]) if (isOver(window.since, repeatMs)) closeWindow(key, window);
    for (const [type, flow] of [...flows]) if (isOver(flow.since, minuteMs)) closeFlow(type, flow);
  }

  return {
    take(detection) {
      const { type, subject, severity } = detection;
      const key = `${type}\0${subject}`;
      const window = windows.get(key);
      if (window !== undefined && steady() - window.since <= repeatMs) return repeated(window, detection);
      if (window !== undefined) closeWindow(key, window);
      const flow = flowOf(type);
      if (flow.subjects >= subjectsPerMinute) return hold(flow, detection);
      flow.subjects++;
      windows.set(key, { since: steady(), severity, repeats: 0, last: detection });
      pass(detection);
    },
    tick: () => close((since, lengthMs) => steady() - since > lengthMs),
    flush: () => close(() => true),
    suppressed: () => ({ repeats, throttled, byType: { ...byType } }),
  };
}
