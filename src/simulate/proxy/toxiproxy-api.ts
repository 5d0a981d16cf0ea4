// Toxiproxy's HTTP API over our proxies: paths, statuses, bodies and words as its clients expect them.
import { readPopulateBody, readProxyBody, readToxicBody, readToxicUpdate } from './bodies.ts';
import { writeGoJson } from './go-json.ts';
import type { Proxies } from './proxies.ts';
import type { NamedProxy } from './proxy.ts';
import { Refusal } from './refusal.ts';
import { json, noContent, type Reply } from './reply.ts';
import type { Toxic } from './toxics.ts';

export interface Route {
  method: string;
  /** Segments; `:x` takes any one segment that is not empty. */
  path: string;
  handle(request: { names: string[]; body: string }): Reply | Promise<Reply>;
}

export interface ToxiproxyParts {
  proxies: Proxies;
  version: string;
}

export function toxiproxyRoutes({ proxies, version }: ToxiproxyParts): Route[] {
  const proxyOf = (names: string[]) => proxies.get(names[0] ?? '');
  const toxicOf = (names: string[]) => {
    const proxy = proxyOf(names);
    return { proxy, toxic: proxies.toxic(proxy, names[1] ?? '') };
  };
  const update: Route['handle'] = async ({ names, body }) => {
    proxyOf(names);
    return json(proxyJson(await proxies.update(names[0] ?? '', readProxyBody(body))));
  };
  const updateToxic: Route['handle'] = ({ names, body }) => {
    const { proxy, toxic } = toxicOf(names);
    const to = readToxicUpdate(body, toxic.type, toxic.attributes);
    proxies.changeToxic(proxy, toxic, { ...to, toxicity: to.toxicity ?? toxic.toxicity });
    return json(toxicJson(toxic));
  };
  return [
    {
      method: 'GET',
      path: '/version',
      handle: () => ({
        status: 200,
        headers: { 'content-type': 'application/json;charset=utf-8' },
        body: `{"version": ${JSON.stringify(version)}}\n`,
      }),
    },
    { method: 'GET', path: '/proxies', handle: () => json(proxiesJson(proxies)) },
    {
      method: 'POST',
      path: '/proxies',
      handle: async ({ body }) => json(proxyJson(await proxies.create(readProxyBody(body))), 201),
    },
    { method: 'POST', path: '/populate', handle: ({ body }) => populate(proxies, body) },
    {
      method: 'POST',
      path: '/reset',
      handle: async () => {
        await proxies.reset();
        return noContent;
      },
    },
    { method: 'GET', path: '/proxies/:proxy', handle: ({ names }) => json(proxyJson(proxyOf(names))) },
    { method: 'POST', path: '/proxies/:proxy', handle: update },
    { method: 'PATCH', path: '/proxies/:proxy', handle: update },
    {
      method: 'DELETE',
      path: '/proxies/:proxy',
      handle: async ({ names }) => {
        await proxies.remove(names[0] ?? '');
        return noContent;
      },
    },
    { method: 'GET', path: '/proxies/:proxy/toxics', handle: ({ names }) => json(toxicsJson(proxyOf(names))) },
    {
      method: 'POST',
      path: '/proxies/:proxy/toxics',
      handle: ({ names, body }) => {
        const proxy = proxyOf(names);
        return json(toxicJson(proxies.addToxic(proxy, readToxicBody(body))));
      },
    },
    {
      method: 'GET',
      path: '/proxies/:proxy/toxics/:toxic',
      handle: ({ names }) => json(toxicJson(toxicOf(names).toxic)),
    },
    { method: 'POST', path: '/proxies/:proxy/toxics/:toxic', handle: updateToxic },
    { method: 'PATCH', path: '/proxies/:proxy/toxics/:toxic', handle: updateToxic },
    {
      method: 'DELETE',
      path: '/proxies/:proxy/toxics/:toxic',
      handle: ({ names }) => {
        const { proxy, toxic } = toxicOf(names);
        proxies.removeToxic(proxy, toxic);
        return noContent;
      },
    },
  ];
}

async function populate(proxies: Proxies, body: string): Promise<Reply> {
  try {
    const { made, refusal } = await proxies.populate(readPopulateBody(body));
    const list = made.length === 0 ? 'null' : `[${made.map(proxyJson).join(',')}]`;
    return refusal === null ? json(`{"proxies":${list}}`, 201) : populateRefused(refusal, list);
  } catch (error) {
    if (error instanceof Refusal) return populateRefused(error, 'null');
    throw error;
  }
}

/** Unlike every other refusal it says that it is JSON. */
function populateRefused({ message, status }: Refusal, proxies: string): Reply {
  return json(`${writeGoJson({ error: message, status }).slice(0, -1)},"proxies":${proxies}}\n`, status);
}

/** Text, not an object: a proxy may be called "__proto__" or "7", and the order of keys is part of the answer. */
export function proxiesJson(proxies: Proxies): string {
  return `{${proxies
    .list()
    .map((proxy) => `${writeGoJson(proxy.name)}:${proxyJson(proxy)}`)
    .join(',')}}`;
}

export function proxyJson(proxy: NamedProxy): string {
  const { name } = proxy;
  const fields = { name, listen: proxy.listen(), upstream: proxy.upstream(), enabled: proxy.enabled(), Logger: {} };
  return `${writeGoJson(fields).slice(0, -1)},"toxics":${toxicsJson(proxy)}}`;
}

function toxicsJson(proxy: NamedProxy): string {
  return `[${proxy.toxics.list().map(toxicJson).join(',')}]`;
}

export function toxicJson({ attributes, name, type, stream, toxicity }: Toxic): string {
  return writeGoJson({ attributes, name, type, stream, toxicity });
}
