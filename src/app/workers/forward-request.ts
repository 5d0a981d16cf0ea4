// A request that a worker does not answer itself: handed to the main thread as it came, the answer handed back as it comes.
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { openTunnel, type TunnelEnds } from './tunnel.ts';

/** Hands one end of a tunnel to the thread that answers. */
export type SendTunnel = (port: MessagePort, ends: TunnelEnds) => void;

/** Belong to the connection, not to the message (RFC 9110 §7.6.1): the server writes its own. */
const ownHeaders: ReadonlySet<string> = new Set(['keep-alive', 'transfer-encoding']);

export function createForward(send: SendTunnel): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    const { port1, port2 } = new MessageChannel();
    const { remoteAddress, localAddress, localPort } = req.socket;
    send(port2, { remoteAddress, localAddress, localPort });
    const tunnel = openTunnel(port1);
    const onward = request({
      method: req.method,
      path: req.url,
      headers: req.rawHeaders,
      // Names and doubled headers are judged where it is answered.
      setHost: false,
      setDefaultHeaders: false,
      createConnection: () => tunnel,
    });
    const drop = () => {
      tunnel.destroy();
      if (!res.writableFinished) res.destroy();
    };
    onward.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, headersOf(answer.rawHeaders));
      answer.pipe(res);
      answer.on('error', drop);
      answer.on('end', () => tunnel.destroy());
    });
    onward.on('error', drop);
    res.on('close', drop);
    // Who waits to be asked for the body is asked by who answers.
    if (req.headers.expect === undefined) req.pipe(onward);
    else {
      onward.once('continue', () => req.pipe(onward));
      onward.flushHeaders();
    }
  };
}

function headersOf(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2);
    if (!ownHeaders.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
