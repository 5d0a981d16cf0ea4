// Every kind of TCP fault by the name that Toxiproxy's clients know.
import { bandwidth } from './bandwidth.ts';
import { latency } from './latency.ts';
import { limitData } from './limit-data.ts';
import { noop } from './noop.ts';
import { resetPeer } from './reset-peer.ts';
import { slicer } from './slicer.ts';
import { slowClose } from './slow-close.ts';
import { timeout } from './timeout.ts';
import type { Stage, StageParts, ToxicKind } from './toxic.ts';

export type Attributes = Record<string, number>;

const kinds = {
  latency,
  bandwidth,
  slow_close: slowClose,
  timeout,
  reset_peer: resetPeer,
  slicer,
  limit_data: limitData,
  noop,
} as const;

export type ToxicType = keyof typeof kinds;

export function isToxicType(type: string): type is ToxicType {
  return Object.hasOwn(kinds, type);
}

export function toxicDefaults(type: ToxicType): Attributes {
  return { ...kinds[type].defaults };
}

export function toxicGoName(type: ToxicType): string {
  return kinds[type].goName;
}

/** The stage of a toxic in one direction of one connection; missing attributes are the defaults. */
export function startStage(type: ToxicType, parts: StageParts<Attributes>): Stage {
  const kind = kinds[type] as unknown as ToxicKind<Attributes>;
  return kind.start({ ...parts, attributes: { ...kind.defaults, ...parts.attributes } });
}
