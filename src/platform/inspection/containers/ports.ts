// Published ports of a compose service, short and long syntax: which address they are open on.
import { interpolate, type Variables } from './interpolate.ts';
import { entryAt, type Located, type Place, textOf } from './located.ts';

export interface PublishedPort {
  at: Place;
  /** As the file spells it. */
  text: string;
  /** undefined: no address was named, which Docker reads as all of them. `?`: known only where it runs. */
  host: string | undefined;
  /** Published ports from–to; undefined: Docker picks one. */
  published: [number, number] | undefined;
  target: [number, number] | undefined;
  syntax: 'short' | 'long';
  /** In the long syntax: where the mapping begins, and its `host_ip`. */
  item: Located;
}

export function readPort(item: Located, variables: Variables): PublishedPort | undefined {
  if (item.kind === 'map') {
    const one = (key: string) => {
      const text = textOf(entryAt(item, key)?.value);
      return text === undefined ? undefined : interpolate(text, variables);
    };
    const host = one('host_ip');
    const text = [host, one('published'), one('target')].filter((part) => part !== undefined).join(':');
    return {
      at: item.at,
      text,
      host: host === '' ? undefined : openHost(host),
      published: range(one('published')),
      target: range(one('target')),
      syntax: 'long',
      item,
    };
  }
  const text = textOf(item);
  if (text === undefined) return undefined;
  const [main = ''] = interpolate(text, variables).split('/');
  const { host, rest } = splitHost(main);
  const ports = rest.split(':');
  return {
    at: item.at,
    text,
    host: host === '' ? undefined : openHost(host),
    published: ports.length > 1 ? range(ports[0]) : undefined,
    target: range(ports.at(-1)),
    syntax: 'short',
    item,
  };
}

function openHost(host: string | undefined): string | undefined {
  return host?.includes('$') === true ? '?' : host;
}

function splitHost(text: string): { host: string | undefined; rest: string } {
  const [, bracketed, after] = /^\[([^\]]*)\]:(.*)$/.exec(text) ?? [];
  if (bracketed !== undefined) return { host: bracketed, rest: after ?? '' };
  const parts = text.split(/:(?![^{]*\})/);
  if (parts.length <= 2) return { host: undefined, rest: text };
  // An IPv6 address without brackets: the last two parts are the ports.
  return { host: parts.slice(0, -2).join(':'), rest: parts.slice(-2).join(':') };
}

function range(text: string | undefined): [number, number] | undefined {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text ?? '') ?? [];
  return from === undefined ? undefined : [Number(from), Number(to ?? from)];
}

/** Whether a port is open on every address of the machine. */
export function isEverywhere({ host }: Pick<PublishedPort, 'host'>): boolean {
  return host === undefined || host === '*' || /^0+(\.0+){0,3}$/.test(host) || /^(::|0*(:0*){2,7})$/.test(host);
}

/** Ports behind which data, models or administration stand: nothing for everybody. */
export const sensitivePorts: Readonly<Record<number, string>> = {
  22: 'SSH',
  1234: 'LM Studio',
  2375: 'Docker API',
  2376: 'Docker API',
  2379: 'etcd',
  3306: 'MySQL',
  5000: 'registry/model server',
  5432: 'PostgreSQL',
  5601: 'Kibana',
  5672: 'RabbitMQ',
  6333: 'Qdrant',
  6379: 'Redis',
  7687: 'Neo4j',
  7860: 'Gradio',
  8001: 'vLLM',
  8200: 'Vault',
  8265: 'Ray',
  8888: 'Jupyter',
  9000: 'MinIO/Portainer',
  9090: 'Prometheus',
  9200: 'Elasticsearch',
  11211: 'Memcached',
  11434: 'Ollama',
  15672: 'RabbitMQ',
  19530: 'Milvus',
  27017: 'MongoDB',
};

export function sensitiveService(port: PublishedPort): string | undefined {
  for (const one of [port.target, port.published]) {
    if (one === undefined) continue;
    const hit = Object.keys(sensitivePorts).find((known) => Number(known) >= one[0] && Number(known) <= one[1]);
    if (hit !== undefined) return sensitivePorts[Number(hit)];
  }
  return undefined;
}
