// What is broken now and until when, as data for /rempart/status and the status page.
import type { ActiveFault } from './model-calls.ts';
import type { Proxies } from './proxies.ts';
import type { NamedProxy } from './proxy.ts';

export interface BrokenThing {
  proxy: string;
  kind: 'down' | 'toxic' | 'fault';
  name: string;
  type: string;
  detail: string;
  /** RFC 3339; null: until somebody ends it. */
  until: string | null;
  /** Calls that a fault hit; null where connections are what is broken. */
  hits: number | null;
}

export interface ProxyStatus {
  name: string;
  listen: string;
  upstream: string;
  enabled: boolean;
  protocol: 'tcp' | 'http';
  connections: number;
  calls: number;
}

export interface Status {
  schema: 'rempart/proxy-status@1';
  now: string;
  seed: number;
  broken: BrokenThing[];
  proxies: ProxyStatus[];
}

export function statusOf(proxies: Proxies, seed: number): Status {
  const all = proxies.list();
  return {
    schema: 'rempart/proxy-status@1',
    now: new Date().toISOString(),
    seed,
    broken: all.flatMap(brokenOf),
    proxies: all.map((proxy) => ({
      name: proxy.name,
      listen: proxy.listen(),
      upstream: proxy.upstream(),
      enabled: proxy.enabled(),
      protocol: proxy.protocol(),
      connections: proxy.connections(),
      calls: proxy.calls.records().length,
    })),
  };
}

function brokenOf(proxy: NamedProxy): BrokenThing[] {
  const down: BrokenThing[] = proxy.enabled()
    ? []
    : [
        {
          proxy: proxy.name,
          kind: 'down',
          name: 'down',
          type: 'down',
          detail: '',
          until: instant(proxy.downLease.until()),
          hits: null,
        },
      ];
  const toxics = proxy.toxics.list().map((toxic): BrokenThing => {
    const given = Object.entries(toxic.attributes).map(([name, value]) => `${name}=${value}`);
    const share = toxic.toxicity < 1 ? [`toxicity=${toxic.toxicity}`] : [];
    return {
      proxy: proxy.name,
      kind: 'toxic',
      name: toxic.name,
      type: toxic.type,
      detail: [toxic.direction, ...given, ...share].join(' '),
      until: instant(proxy.toxicLeases.get(toxic.name)?.until() ?? null),
      hits: null,
    };
  });
  return [...down, ...toxics, ...proxy.calls.list().map((fault) => brokenFault(proxy, fault))];
}

function brokenFault(proxy: NamedProxy, { name, fault, lease, hits }: ActiveFault): BrokenThing {
  const { type, name: _name, match, ttlMs: _ttl, ...rest } = fault;
  const shown = Object.entries({ ...match, ...rest }).filter(([, value]) => value !== undefined);
  return {
    proxy: proxy.name,
    kind: 'fault',
    name,
    type,
    detail: shown.map(([key, value]) => `${key}=${value}`).join(' '),
    until: instant(lease.until()),
    hits,
  };
}

function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
