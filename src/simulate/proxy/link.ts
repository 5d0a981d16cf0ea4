// One direction of one connection: bytes from a source through the stages of the active toxics to a sink.
import type { Duplex } from 'node:stream';
import type { Onward, Stage } from '../faults/tcp/toxic.ts';

export interface LinkParts {
  source: Duplex;
  sink: Duplex;
  /** The stream asked for the end of the whole connection. */
  onEnd(how: 'close' | 'reset'): void;
  count(bytes: number): void;
}

export interface Link {
  /** Puts a stage behind those that are there; `start` gets what comes after it. */
  append(name: string, start: (onward: Onward) => Stage): void;
  /** The stage gives up what it holds and another takes its place. */
  replace(name: string, start: (onward: Onward) => Stage): void;
  remove(name: string): void;
  has(name: string): boolean;
  /** True once the end has gone on. */
  ended(): boolean;
  stop(): void;
}

interface Node extends Onward {
  name: string;
  stage: Stage | null;
  next: Onward;
  ended: boolean;
}

export function createLink({ source, sink, onEnd, count }: LinkParts): Link {
  let nodes: Node[] = [];
  let over = false;

  const last: Onward = {
    write(chunk) {
      if (over || sink.destroyed) return;
      sink.write(chunk);
      balance();
    },
    end(how) {
      if (over) return;
      over = true;
      if (how === 'half') sink.end();
      else onEnd(how);
    },
  };
  let first: Onward = last;

  /** Reads on only while the sink and every stage can take more. */
  function balance(): void {
    const full =
      sink.writableNeedDrain || nodes.some(({ stage }) => stage !== null && stage.held() > Math.max(0, stage.maxHeld));
    if (full === source.isPaused()) return;
    if (full) source.pause();
    else source.resume();
  }

  const onData = (chunk: Buffer) => {
    count(chunk.length);
    first.write(chunk);
    if (nodes.length > 0) balance();
  };
  const onSourceEnd = () => first.end('half');
  source.on('data', onData).on('end', onSourceEnd);
  sink.on('drain', balance);

  function makeNode(name: string): Node {
    return {
      name,
      stage: null,
      next: last,
      ended: false,
      write(chunk) {
        if (!this.ended) this.stage?.write(chunk);
      },
      end(how) {
        // A reset or a close overtakes a half-close that a stage still holds back.
        if (this.ended && how === 'half') return;
        this.ended = true;
        this.stage?.end(how);
      },
    };
  }

  function fill(node: Node, start: (onward: Onward) => Stage): void {
    let done = false;
    node.stage = start({
      write: (chunk) => {
        if (!done) node.next.write(chunk);
      },
      end: (how) => {
        if (done) return;
        done = true;
        node.ended = true;
        node.next.end(how);
      },
    });
  }

  function relink(): void {
    nodes.forEach((node, at) => {
      node.next = nodes[at + 1] ?? last;
    });
    first = nodes[0] ?? last;
    if (!over) balance();
  }

  return {
    append(name, start) {
      const node = makeNode(name);
      fill(node, start);
      nodes.push(node);
      relink();
    },
    replace(name, start) {
      const node = nodes.find((it) => it.name === name);
      if (node === undefined || node.stage === null) return;
      node.stage.release();
      node.stage.stop();
      fill(node, start);
      if (!over) balance();
    },
    remove(name) {
      const node = nodes.find((it) => it.name === name);
      if (node === undefined || node.stage === null) return;
      node.stage.release();
      const { stage } = node;
      stage.removed?.();
      stage.stop();
      nodes = nodes.filter((it) => it !== node);
      relink();
    },
    has: (name) => nodes.some((node) => node.name === name),
    ended: () => over,
    stop() {
      over = true;
      for (const { stage } of nodes) stage?.stop();
      nodes = [];
      source.off('data', onData).off('end', onSourceEnd);
      sink.off('drain', balance);
    },
  };
}
