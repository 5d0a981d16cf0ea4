// All proxies by name, and every change of them, one change at a time.
import { isToxicType, type ToxicType, toxicDefaults } from '../faults/tcp/toxic-kinds.ts';
import { formatAddress, resolveListen } from './address.ts';
import { type ProxyBody, type ToxicBody, toxicOf } from './bodies.ts';
import { checkTtl, createLease } from './lease.ts';
import type { NamedProxy } from './proxy.ts';
import { missing, proxyNotFound, Refusal, toxicNotFound } from './refusal.ts';
import type { Direction, Toxic } from './toxics.ts';

export interface Proxies {
  /** Sorted by name. */
  list(): NamedProxy[];
  /** Throws a Refusal (404). */
  get(name: string): NamedProxy;
  create(body: ProxyBody): Promise<NamedProxy>;
  /** What was made before the first that failed is in `made`. */
  populate(bodies: readonly ProxyBody[]): Promise<{ made: NamedProxy[]; refusal: Refusal | null }>;
  update(name: string, body: ProxyBody): Promise<NamedProxy>;
  remove(name: string): Promise<void>;
  /** Starts every proxy and takes away every toxic and every fault. */
  reset(): Promise<void>;
  addToxic(proxy: NamedProxy, body: ToxicBody): Toxic;
  changeToxic(
    proxy: NamedProxy,
    toxic: Toxic,
    to: Pick<Toxic, 'attributes' | 'toxicity'> & { ttlMs: number | undefined },
  ): void;
  /** Throws a Refusal (404). */
  toxic(proxy: NamedProxy, name: string): Toxic;
  removeToxic(proxy: NamedProxy, toxic: Toxic): void;
  /** Begins its lease anew; null takes the deadline away. */
  leaseToxic(proxy: NamedProxy, toxic: Toxic, ttlMs: number | null): void;
  close(): Promise<void>;
}

type MakeProxy = (addresses: { name: string; listen: string; upstream: string; downExpired: () => void }) => NamedProxy;

export function createProxies(make: MakeProxy): Proxies {
  const proxies = new Map<string, NamedProxy>();
  let last: Promise<unknown> = Promise.resolve();
  /** One change after the other, so that two clients cannot both take a name or a port. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work, work);
    last = mine.catch(() => {});
    return mine;
  }

  const get = (name: string): NamedProxy => {
    const proxy = proxies.get(name);
    if (proxy === undefined) throw proxyNotFound();
    return proxy;
  };

  async function add(body: ProxyBody): Promise<NamedProxy> {
    const { name = '', listen = '', upstream = '', enabled = true } = body;
    const ttlMs = checkTtl(body.ttlMs);
    const bodies = (body.toxics ?? []).map(toxicOf);
    const proxy = make({ name, listen, upstream, downExpired: () => void inTurn(() => revive(name, proxy)) });
    try {
      for (const toxic of bodies) addToxic(proxy, toxic);
      if (enabled) await proxy.start();
    } catch (error) {
      await proxy.close();
      throw error;
    }
    if (!enabled) proxy.downLease.set(ttlMs);
    proxies.set(name, proxy);
    return proxy;
  }

  /** A lease that ran out: the proxy is up again, and when its port is taken it is tried again. */
  async function revive(name: string, proxy: NamedProxy): Promise<void> {
    if (proxies.get(name) !== proxy || proxy.enabled()) return;
    await proxy.start().catch(() => proxy.downLease.set(reviveAgainMs));
  }

  async function replace(body: ProxyBody): Promise<NamedProxy> {
    const { name = '' } = body;
    const before = proxies.get(name);
    if (before === undefined) return add(body);
    if (await differs(before, body.listen ?? '', body.upstream ?? '')) {
      proxies.delete(name);
      await before.close();
      return add(body);
    }
    if (body.enabled !== undefined) await setEnabled(before, body.enabled, checkTtl(body.ttlMs));
    return before;
  }

  const api: Proxies = {
    list: () => [...proxies.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    get,
    create: (body) => {
      requireAddresses(body, '');
      return inTurn(async () => {
        if (proxies.has(body.name ?? '')) throw new Refusal(409, 'proxy already exists');
        return add(body);
      });
    },
    populate: (bodies) => {
      for (const [at, body] of bodies.entries()) requireAddresses(body, ` at proxy ${at + 1}`);
      return inTurn(async () => {
        const made: NamedProxy[] = [];
        for (const body of bodies) {
          try {
            made.push(await replace(body));
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            return { made, refusal: error };
          }
        }
        return { made, refusal: null };
      });
    },
    update: (name, body) =>
      inTurn(async () => {
        const proxy = get(name);
        const ttlMs = checkTtl(body.ttlMs);
        const enabled = body.enabled ?? proxy.enabled();
        const to = { listen: body.listen ?? proxy.listen(), upstream: body.upstream ?? proxy.upstream() };
        if (await differs(proxy, to.listen, to.upstream)) {
          proxy.stop();
          proxy.move(to);
        }
        await setEnabled(proxy, enabled, ttlMs);
        return proxy;
      }),
    remove: (name) =>
      inTurn(async () => {
        const proxy = get(name);
        proxies.delete(name);
        await proxy.close();
      }),
    reset: () =>
      inTurn(async () => {
        let first: unknown;
        for (const proxy of api.list()) {
          // Every proxy is made whole, even when one before it cannot start.
          for (const lease of proxy.toxicLeases.values()) lease.end();
          proxy.toxicLeases.clear();
          proxy.toxics.clear();
          proxy.calls.clear();
          await proxy.start().catch((error: unknown) => {
            first ??= error;
          });
        }
        if (first !== undefined) throw first;
      }),
    addToxic,
    changeToxic(proxy, toxic, { ttlMs, ...to }) {
      checkTtl(ttlMs);
      proxy.toxics.change(toxic, to);
      leaseToxic(proxy, toxic, ttlMs);
    },
    toxic(proxy, name) {
      const found = proxy.toxics.find(name);
      if (found === undefined) throw toxicNotFound();
      return found;
    },
    removeToxic,
    leaseToxic,
    close: () =>
      inTurn(async () => {
        await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
        proxies.clear();
      }),
  };
  return api;
}

const reviveAgainMs = 1000;

function requireAddresses({ name = '', upstream = '' }: ProxyBody, at: string): void {
  if (name === '') throw missing('name', at);
  if (upstream === '') throw missing('upstream', at);
}

async function setEnabled(proxy: NamedProxy, enabled: boolean, ttlMs: number | undefined): Promise<void> {
  if (enabled) return proxy.start();
  proxy.stop();
  proxy.downLease.set(ttlMs);
}

async function differs(proxy: NamedProxy, listen: string, upstream: string): Promise<boolean> {
  if (upstream !== proxy.upstream()) return true;
  if (listen === proxy.listen()) return false;
  return formatAddress(await resolveListen(listen)) !== proxy.listen();
}

function addToxic(proxy: NamedProxy, body: ToxicBody): Toxic {
  const direction = body.stream.toLowerCase();
  if (direction !== 'upstream' && direction !== 'downstream')
    throw new Refusal(400, 'stream was invalid, can be either upstream or downstream');
  const name = body.name === undefined || body.name === '' ? `${body.type}_${body.stream}` : body.name;
  if (!isToxicType(body.type)) throw new Refusal(400, 'invalid toxic type');
  if (proxy.toxics.find(name) !== undefined) throw new Refusal(409, 'toxic already exists');
  const toxic: Toxic = { ...describe(body, body.type, direction), name };
  checkTtl(body.ttlMs);
  proxy.toxics.add(toxic);
  leaseToxic(proxy, toxic, body.ttlMs);
  return toxic;
}

function describe(body: ToxicBody, type: ToxicType, direction: Direction): Omit<Toxic, 'name'> {
  const attributes = body.attributes(type, toxicDefaults(type));
  return { type, stream: body.stream, direction, toxicity: body.toxicity, attributes, version: 0 };
}

function leaseToxic(proxy: NamedProxy, toxic: Toxic, ttlMs: number | null | undefined): void {
  if (ttlMs === undefined) return;
  let lease = proxy.toxicLeases.get(toxic.name);
  if (lease === undefined) {
    lease = createLease(() => removeToxic(proxy, toxic));
    proxy.toxicLeases.set(toxic.name, lease);
  }
  lease.set(ttlMs);
}

function removeToxic(proxy: NamedProxy, toxic: Toxic): void {
  proxy.toxicLeases.get(toxic.name)?.end();
  proxy.toxicLeases.delete(toxic.name);
  proxy.toxics.remove(toxic);
}
