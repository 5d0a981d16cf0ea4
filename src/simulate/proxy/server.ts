// The fault proxy as a whole: proxies, their faults and the admin API, in a process of its own.
import type { AddressInfo } from 'node:net';
import type { Lang } from '../../platform/i18n/say.ts';
import { createAdmin } from './admin.ts';
import { createModelCalls } from './model-calls.ts';
import { createProxies, type Proxies } from './proxies.ts';
import { createProxy } from './proxy.ts';

export interface ProxyServerOptions {
  host: string;
  port: number;
  /** What GET /version says. */
  version: string;
  seed: number;
  metrics: boolean;
  lang: Lang;
}

export interface ProxyServer {
  /** Base address of the admin API. */
  url: string;
  port: number;
  proxies: Proxies;
  /** Ends every connection; waits for nobody. */
  close(): Promise<void>;
}

/** Rejects with the system's error when the admin address cannot be taken. */
export async function startProxyServer(options: ProxyServerOptions): Promise<ProxyServer> {
  let seed = options.seed;
  const now = () => performance.now();
  const seeded = { seed: () => seed, now };
  const proxies = createProxies((addresses) =>
    createProxy({ ...addresses, ...seeded, createCalls: (proxy) => createModelCalls({ ...proxy, ...seeded }) }),
  );
  const admin = createAdmin({
    ...options,
    proxies,
    seed: {
      get: () => seed,
      set: (given) => {
        seed = given;
      },
    },
  });
  await new Promise<void>((resolve, reject) => {
    admin.once('error', reject);
    admin.listen(options.port, options.host, () => {
      admin.off('error', reject);
      resolve();
    });
  });
  const { port } = admin.address() as AddressInfo;
  const shown = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${shown}:${port}`,
    port,
    proxies,
    async close() {
      admin.close();
      admin.closeAllConnections();
      await proxies.close();
    },
  };
}
