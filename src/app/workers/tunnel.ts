// A connection between two threads, as a stream that an HTTP server or client takes for a socket: nothing of it is on any network.
import { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';

/** Whose request it is: the ends of the connection that it came in on. */
export interface TunnelEnds {
  remoteAddress?: string | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
}

type Message = { kind: 'bytes'; bytes: Uint8Array } | { kind: 'taken' } | { kind: 'end' };

/** One end; the other has the other port. When either thread dies, both ends close. */
export function openTunnel(port: MessagePort, ends: TunnelEnds = {}): Duplex {
  let taken: (() => void) | undefined;
  let isOwed = false;
  const duplex = new Duplex({
    // Who ends is not yet done reading.
    allowHalfOpen: true,
    read() {
      if (!isOwed) return;
      isOwed = false;
      port.postMessage({ kind: 'taken' } satisfies Message);
    },
    write(chunk: Buffer, _encoding, done) {
      taken = done;
      port.postMessage({ kind: 'bytes', bytes: chunk } satisfies Message);
    },
    final(done) {
      port.postMessage({ kind: 'end' } satisfies Message);
      done();
    },
    destroy(error, done) {
      port.close();
      done(error);
    },
  });
  port.on('message', (message: Message) => {
    if (message.kind === 'taken') {
      const done = taken;
      taken = undefined;
      done?.();
    } else if (message.kind === 'end') duplex.push(null);
    else {
      isOwed = true;
      if (duplex.push(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength)))
        duplex._read(0);
    }
  });
  port.once('close', () => duplex.destroy());
  return Object.assign(duplex, ends);
}
