// Connects to what lies behind a proxy, without holding up anybody else.
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseUpstream } from './address.ts';

const dialTimeoutMs = 30_000;

/** The connected socket; rejects when nobody answers. */
export function dial(upstream: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const target = parseUpstream(upstream);
    if (target === null) return reject(new Error('the upstream is no address'));
    const { host, port } = target;
    const socket = target.tls
      ? connectTls({ host, port, servername: host, ALPNProtocols: ['http/1.1'] })
      : connect({ host, port, allowHalfOpen: true, noDelay: true });
    const give = (end: () => void) => {
      signal.removeEventListener('abort', abort);
      socket.setTimeout(0);
      socket.removeAllListeners('timeout').removeListener('error', failed);
      end();
    };
    const failed = (error: Error) => {
      give(() => {
        socket.on('error', () => {}).destroy();
        reject(error);
      });
    };
    const abort = () => failed(new Error('nobody waits any longer'));
    socket.once('error', failed);
    socket.setTimeout(dialTimeoutMs, () => failed(new Error('no answer')));
    socket.once(target.tls ? 'secureConnect' : 'connect', () => give(() => resolve(socket)));
    signal.addEventListener('abort', abort, { once: true });
  });
}
