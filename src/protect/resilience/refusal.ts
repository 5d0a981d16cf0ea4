// A provider key that was refused: out at once, and tried again so rarely that an attacker's or auditor's log stays short.

export interface RefusalSettings {
  /** Uses of a refused key in one outage: the one that found out, those that were on their way by then, and probes. */
  maxUses: number;
  /** Before the first new try while another key serves; doubled before the next. */
  probeAfterMs: number;
  /** The pauses when no other key is left: nobody is served until this one works again, so it is asked sooner, and no more often. */
  lastKeyProbesMs: readonly [number, number];
}

export const defaultRefusal: RefusalSettings = { maxUses: 3, probeAfterMs: 60_000, lastKeyProbesMs: [4_000, 30_000] };

export type Refusal =
  | { kind: 'accepted' }
  | { kind: 'refused'; uses: number; nextProbeAt: number }
  /** Every use is spent: only new configuration or an operator brings it back. */
  | { kind: 'spent' };

/** The state after so many more refusals; `lastKey` when no other key is accepted. */
export function refuse(state: Refusal, now: number, settings: RefusalSettings, lastKey: boolean, more = 1): Refusal {
  if (state.kind === 'spent') return state;
  const isFirst = state.kind === 'accepted';
  const uses = (isFirst ? 0 : state.uses) + more;
  if (uses >= settings.maxUses) return { kind: 'spent' };
  // Sent before the refusal was known, by another user at the same moment: a use like any other, but no probe.
  if (state.kind === 'refused' && now < state.nextProbeAt) return { ...state, uses };
  const [first, later] = settings.lastKeyProbesMs;
  const pause = lastKey ? (isFirst ? first : later) : settings.probeAfterMs * (isFirst ? 1 : 2 ** (uses - 1));
  return { kind: 'refused', uses, nextProbeAt: now + pause };
}
