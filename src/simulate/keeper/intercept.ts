// CONNECT on the fault proxy: the provider's https is opened with a certificate of this run, so that its calls can be broken like any others.
import type { IncomingMessage, Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Authority } from './certificate.ts';

export interface Interception {
  /** Answers a CONNECT that came to `server`; the calls inside come to the same server. */
  accept(server: Server, req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** The connection under an opened one: only that can be reset. */
  under(socket: Socket): Socket;
}

/** `hosts` are the provider's; nothing: whatever is asked for. Other hosts are reached straight. */
export function createInterception(authority: Authority, hosts: readonly string[]): Interception {
  const below = new WeakMap<Socket, Socket>();
  const opened = 'HTTP/1.1 200 Connection Established\r\n\r\n';
  return {
    accept(server, req, duplex, head) {
      const socket = duplex as Socket;
      socket.on('error', () => socket.destroy());
      const to = URL.parse(`http://${req.url}`);
      if (to === null) {
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
        return;
      }
      const host = to.hostname.replace(/^\[|\]$/g, '');
      if (hosts.length > 0 && !hosts.includes(host)) {
        tunnel(socket, head, { host, port: Number(portOf(req.url)) });
        return;
      }
      socket.write(opened);
      if (head.length > 0) socket.unshift(head);
      const secure = new TLSSocket(socket, {
        isServer: true,
        secureContext: createSecureContext(authority.leafFor(host)),
        ALPNProtocols: ['http/1.1'],
      });
      below.set(secure, socket);
      secure.on('error', () => socket.destroy()); // a target that does not trust us ends it here
      server.emit('connection', secure);
    },
    under: (socket) => below.get(socket) ?? socket,
  };

  function tunnel(socket: Socket, head: Buffer, to: { host: string; port: number }): void {
    const onward = connect(to, () => {
      socket.write(opened);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  }
}

/** URL forgets the port that is its scheme's own. */
function portOf(authority: string | undefined): string {
  return /:(\d+)$/.exec(authority ?? '')?.[1] ?? '443';
}
