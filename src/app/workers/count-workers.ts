// How many threads serve the gateway, and whether this system lets several of them listen at one address.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Config } from '../../config.ts';
import { RempartError } from '../../platform/base/errors.ts';

/** `auto` is one for each core where that is possible, and one elsewhere. Throws ERR_WORKERS_UNSUPPORTED. */
export async function countWorkers(wanted: Config['gateway']['workers']): Promise<number> {
  const count = wanted === 'auto' ? availableParallelism() : wanted;
  if (count === 1 || (await canShare())) return count;
  if (wanted === 'auto') return 1;
  throw new RempartError('ERR_WORKERS_UNSUPPORTED');
}

async function canShare(): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port: 0, reusePort: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
