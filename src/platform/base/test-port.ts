// For tests: a port that nobody listens on, and that no outgoing connection is given meanwhile.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give to connections by themselves, so that it is still free a moment later. */
const [lowest, highest] = [15_000, 32_000];

export async function freePort(): Promise<number> {
  for (let tries = 0; ; tries++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    const listener = createServer();
    try {
      listener.listen(port, '127.0.0.1');
      await once(listener, 'listening');
      return port;
    } catch (error) {
      if (tries > 50) throw error;
    } finally {
      listener.close();
    }
  }
}
