// A model's name in one spelling: Ollama trims it, fills in what is left out, and finds it whatever the case.

export interface ModelName {
  host: string;
  namespace: string;
  model: string;
  tag: string;
}

export const defaultHost = 'registry.ollama.ai';
const defaultNamespace = 'library';
const defaultTag = 'latest';

/** As Ollama takes them: a host may carry a port; no part begins with a dot, so no part is a way out of a folder. */
const hostPart = /^[a-z0-9_][a-z0-9_.:-]{0,349}$/i;
const namespacePart = /^[a-z0-9_][a-z0-9_-]{0,79}$/i;
const otherPart = /^[a-z0-9_][a-z0-9_.-]{0,79}$/i;

/** Undefined for what cannot be a model's name. */
export function parseModelName(text: string): ModelName | undefined {
  const path = text.trim().replace(/^https?:\/\//i, '');
  const colon = path.lastIndexOf(':');
  // A colon before the last slash belongs to the host's port.
  const tagged = colon > path.lastIndexOf('/');
  const parts = (tagged ? path.slice(0, colon) : path).split('/');
  if (parts.length > 3) return undefined;
  const [model = '', namespace = defaultNamespace, host = defaultHost] = parts.toReversed();
  return modelName(host, namespace, model, tagged ? path.slice(colon + 1) : defaultTag);
}

/** The name of the manifest at host/namespace/model/tag; undefined where a part could not have been written by Ollama. */
export function modelName(host: string, namespace: string, model: string, tag: string): ModelName | undefined {
  const whole = hostPart.test(host) && namespacePart.test(namespace) && otherPart.test(model) && otherPart.test(tag);
  return whole ? { host, namespace, model, tag } : undefined;
}

/** What two names have in common when Ollama takes one for the other. */
export function nameKey({ host, namespace, model, tag }: ModelName): string {
  return `${host}/${namespace}/${model}:${tag}`.toLowerCase();
}

/** As Ollama lists it: without the parts that it fills in. */
export function shownName({ host, namespace, model, tag }: ModelName): string {
  const far = host.toLowerCase() !== defaultHost;
  const ns = far || namespace.toLowerCase() !== defaultNamespace ? `${namespace}/` : '';
  return `${far ? `${host}/` : ''}${ns}${model}:${tag}`;
}

/** A tag that Ollama sends elsewhere: `cloud`, or one that ends in `-cloud`. */
export function isCloudName({ tag }: ModelName): boolean {
  return /(^|-)cloud$/i.test(tag);
}
