// Connections on which a "100 Continue" that nobody asked for is passed over, as RFC 9110 §15.2 wants: undici hangs up at one.
import { buildConnector } from 'undici';

export function connectPatiently(connectMs: number): buildConnector.connector {
  const connect = buildConnector({ timeout: connectMs });
  return (options, callback) =>
    connect(options, (...given) => {
      const [, socket] = given;
      // With an error there is none.
      if (socket) passOverContinue(socket);
      callback(...given);
    });
}

type Socket = NonNullable<buildConnector.CallbackArgs[1]>;

/** What answers begins in the first bytes after something was sent: only there is looked, so that no text is taken for it. */
function passOverContinue(socket: Socket): void {
  // Its messages are none of HTTP/1.1.
  if ('alpnProtocol' in socket && socket.alpnProtocol === 'h2') return;
  const read = socket.read.bind(socket);
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
  let awaits = false;
  socket.write = ((...given: unknown[]) => {
    awaits = true;
    return write(...given);
  }) as Socket['write'];
  socket.read = (size) => {
    const chunk = read(size) as Buffer | null;
    if (awaits && chunk !== null) awaits = asProcessing(chunk);
    return chunk;
  };
}

const go = Buffer.from('HTTP/1.1 100');
const lastDigit = go.length - 1;
const two = 0x32;

/** Makes each 100 that the bytes begin with a 102, which every client passes over. False: what follows is the answer. */
function asProcessing(chunk: Buffer): boolean {
  for (let at = 0; at < chunk.length; ) {
    if (chunk.compare(go, 0, go.length, at, Math.min(at + go.length, chunk.length)) !== 0) return false;
    chunk[at + lastDigit] = two;
    const end = chunk.indexOf('\r\n\r\n', at);
    if (end === -1) return true;
    at = end + 4;
  }
  return true;
}
