// The toxics of one proxy: their data, and their stages on every open connection. Changing them never waits for traffic.
import type { Onward } from '../faults/tcp/toxic.ts';
import { type Attributes, startStage, type ToxicType } from '../faults/tcp/toxic-kinds.ts';
import type { Link } from './link.ts';
import { draw, randomOf } from './random.ts';

export type Direction = 'upstream' | 'downstream';

export interface Toxic {
  name: string;
  type: ToxicType;
  /** As the client spelled it. */
  stream: string;
  direction: Direction;
  /** Share of connections that it touches; drawn for each connection. */
  toxicity: number;
  attributes: Attributes;
  /** Grows with each change, so that a changed toxic draws anew. */
  version: number;
}

export interface Ends {
  /** The connection's number on its proxy, from 1. */
  ordinal: number;
  links: Record<Direction, Link>;
  memory: Map<string, { bytes: number }>;
}

export interface Toxics {
  /** Upstream first; each direction in the order of insertion. */
  list(): Toxic[];
  find(name: string): Toxic | undefined;
  add(toxic: Toxic): void;
  change(toxic: Toxic, to: Pick<Toxic, 'attributes' | 'toxicity'>): void;
  remove(toxic: Toxic): void;
  clear(): void;
  /** Puts the active toxics on a new connection. */
  attach(ends: Ends): void;
}

export interface ToxicsParts {
  proxy: string;
  seed: () => number;
  now: () => number;
  open: () => Iterable<Ends>;
}

export function createToxics({ proxy, seed, now, open }: ToxicsParts): Toxics {
  let toxics: Toxic[] = [];

  const touches = (toxic: Toxic, { ordinal }: Ends) =>
    toxic.toxicity >= 1 || draw(seed(), 'toxicity', proxy, toxic.name, ordinal, toxic.version) < toxic.toxicity;

  function starter(toxic: Toxic, ends: Ends) {
    let memory = ends.memory.get(toxic.name);
    if (memory === undefined) {
      memory = { bytes: 0 };
      ends.memory.set(toxic.name, memory);
    }
    const random = randomOf(seed(), 'toxic', proxy, toxic.name, ends.ordinal, toxic.version);
    const parts = { attributes: { ...toxic.attributes }, now, random, memory };
    return (onward: Onward) => startStage(toxic.type, { ...parts, onward });
  }

  function attachOne(toxic: Toxic, ends: Ends): void {
    if (touches(toxic, ends)) ends.links[toxic.direction].append(toxic.name, starter(toxic, ends));
  }

  /** A toxic whose draw changed takes its place at the end of the chain, or leaves it. */
  function changeOne(toxic: Toxic, ends: Ends): void {
    const link = ends.links[toxic.direction];
    const wanted = touches(toxic, ends);
    if (link.has(toxic.name) && wanted) link.replace(toxic.name, starter(toxic, ends));
    else if (wanted) attachOne(toxic, ends);
    else link.remove(toxic.name);
  }

  function remove(toxic: Toxic): void {
    toxics = toxics.filter((it) => it !== toxic);
    for (const ends of [...open()]) {
      ends.links[toxic.direction].remove(toxic.name);
      ends.memory.delete(toxic.name);
    }
  }

  return {
    list: () => [
      ...toxics.filter(({ direction }) => direction === 'upstream'),
      ...toxics.filter(({ direction }) => direction === 'downstream'),
    ],
    find: (name) => toxics.find((toxic) => toxic.name === name),
    add(toxic) {
      toxics.push(toxic);
      for (const ends of [...open()]) attachOne(toxic, ends);
    },
    change(toxic, { attributes, toxicity }) {
      toxic.attributes = attributes;
      toxic.toxicity = toxicity;
      toxic.version++;
      for (const ends of [...open()]) changeOne(toxic, ends);
    },
    remove,
    clear() {
      for (const toxic of [...toxics]) remove(toxic);
    },
    attach(ends) {
      for (const toxic of toxics) attachOne(toxic, ends);
    },
  };
}
