// The way to a database server: a relay of bytes that can be closed, or answer every newcomer in the server's words that no connection is left.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface DatabaseRelay {
  host: string;
  port: number;
  /** Connections that were relayed so far. */
  carried(): number;
  /** Ends every connection; connecting is refused until `pass`. */
  stop(): Promise<void>;
  /** Ends every connection; a new one is told that there are too many, until `pass`. */
  exhaust(): void;
  pass(): Promise<void>;
  close(): Promise<void>;
}

export interface RelayOptions {
  host: string;
  server: { host: string; port: number };
  kind: 'postgres' | 'mysql';
}

export async function startDatabaseRelay({ host, server: behind, kind }: RelayOptions): Promise<DatabaseRelay> {
  const sockets = new Set<Socket>();
  let full = false;
  let carried = 0;
  let listening = false;
  let closed = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
  };
  const accept = (client: Socket) => {
    keep(client);
    if (full) return turnAway(client, kind);
    carried++;
    const onward = connect(behind);
    keep(onward);
    client.pipe(onward).pipe(client);
    client.once('close', () => onward.destroy());
    onward.once('close', () => client.destroy());
  };
  const server: Server = createServer(accept);
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.removeListener('error', reject);
        listening = true;
        resolve();
      });
    });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const stop = async () => {
    cut();
    if (!listening) return;
    listening = false;
    await new Promise((resolve) => server.close(resolve));
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    host,
    port,
    carried: () => carried,
    stop,
    exhaust: () => {
      full = true;
      cut();
    },
    pass: async () => {
      // Who was turned away must come again: such a connection leads nowhere.
      if (full) cut();
      full = false;
      if (!listening && !closed) await listen(port);
    },
    close: () => {
      closed = true;
      return stop();
    },
  };
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
const sslRequest = 80_877_103;
const gssRequest = 80_877_104;

function turnAway(client: Socket, kind: RelayOptions['kind']): void {
  // MySQL speaks first.
  if (kind === 'mysql') return void client.end(tooManyOfMysql());
  client.on('data', (bytes: Buffer) => {
    const code = bytes.length >= 8 ? bytes.readInt32BE(4) : 0;
    if (code === sslRequest || code === gssRequest) client.write('N');
    else client.end(tooManyOfPostgres());
  });
}

/** ErrorResponse with SQLSTATE 53300, as the server words it. */
export function tooManyOfPostgres(): Buffer {
  const fields = 'SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0\0';
  const body = Buffer.from(fields, 'latin1');
  const head = Buffer.alloc(5);
  head.write('E', 0, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** ERR packet 1040, SQLSTATE 08004; before the handshake it has no state in it (MySQL internals, COM_CONNECT). */
export function tooManyOfMysql(): Buffer {
  const body = Buffer.concat([Buffer.from([0xff, 0x10, 0x04]), Buffer.from('Too many connections', 'latin1')]);
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
}
