// Compose files as one project: documents, overrides, includes and extended services put together, each value at its place.
import { readEnvFile, type Variables } from './interpolate.ts';
import { type Entry, entryAt, type Located, type LocatedMap, readYaml, textOf, YamlProblem } from './located.ts';
import { mergeLocated } from './merge.ts';

export interface SourceFile {
  name: string;
  text: string;
}

/** What lies beside the files; each answers undefined where there is nothing to see. */
export interface Surroundings {
  /** The text of a file, by its path relative to the file that names it. */
  read?: (path: string, from: string) => string | undefined;
  /** The permission bits of a file. */
  mode?: (path: string, from: string) => number | undefined;
}

export interface Service {
  name: string;
  /** The first line of the service in the file that begins it. */
  entry: Entry;
  body: LocatedMap;
}

export interface Project {
  file: string;
  services: Service[];
  networks: Map<string, Entry>;
  root: LocatedMap;
  variables: Variables;
  surroundings: Surroundings;
}

/** Whether a text looks like a compose file: a mapping with `services`, or an old one whose values are services. */
export function isCompose(documents: readonly Located[]): boolean {
  return documents.some(
    (document) => document.kind === 'map' && entryAt(document, 'services')?.value.kind === 'map' && !isOther(document),
  );
}

function isOther(document: LocatedMap): boolean {
  return document.entries.has('apiVersion') && document.entries.has('kind');
}

const maxIncludes = 20;
const maxExtends = 10;

/** The files in their order, later over earlier. Throws YamlProblem for what is no YAML or no mapping. */
export function readProject(files: readonly SourceFile[], surroundings: Surroundings = {}): Project {
  const [first] = files;
  if (first === undefined) throw new Error('a project has at least one file');
  const documents = files.flatMap((file) => withIncludes(file, surroundings, 0));
  let root: LocatedMap | undefined;
  for (const document of documents) {
    if (document.kind !== 'map') throw new YamlProblem('NOT_A_MAPPING', document.at);
    const merged: Located = root === undefined ? document : mergeLocated(root, document);
    if (merged.kind === 'map') root = merged;
  }
  if (root === undefined) throw new YamlProblem('EMPTY', { line: 1, column: 0 });
  const declared = entryAt(root, 'services')?.value;
  // A list of services would otherwise look like a project without any fault.
  if (declared?.kind === 'list' || textOf(declared) !== undefined)
    throw new YamlProblem('NOT_A_MAPPING', declared?.at ?? root.at);
  const services: Service[] = [];
  for (const entry of declared?.kind === 'map' ? declared.entries.values() : []) {
    const body = extended(entry.value, { root, file: entry.keyAt.file, surroundings, depth: 0 });
    if (body.kind !== 'map') throw new YamlProblem('SERVICE_NOT_A_MAPPING', entry.keyAt);
    services.push({ name: entry.key, entry, body });
  }
  const networks = entryAt(root, 'networks')?.value;
  return {
    file: first.name,
    services,
    networks: networks?.kind === 'map' ? networks.entries : new Map(),
    root,
    variables: readEnvFile(surroundings.read?.('.env', first.name) ?? ''),
    surroundings,
  };
}

function withIncludes(file: SourceFile, surroundings: Surroundings, depth: number): Located[] {
  const documents = readYaml(file.name, file.text);
  const included = documents.flatMap((document) => {
    const list = entryAt(document, 'include')?.value;
    return list?.kind === 'list' && depth < maxIncludes ? list.items.flatMap(includePaths) : [];
  });
  const below = included.flatMap((path) => {
    const text = surroundings.read?.(path, file.name);
    return text === undefined ? [] : withIncludes({ name: beside(path, file.name), text }, surroundings, depth + 1);
  });
  return [...below, ...documents];
}

function includePaths(item: Located): string[] {
  const path = item.kind === 'map' ? entryAt(item, 'path')?.value : item;
  if (path?.kind === 'list') return path.items.flatMap((one) => textOf(one) ?? []);
  const text = textOf(path);
  return text === undefined ? [] : [text];
}

interface Extending {
  root: Located;
  file: string;
  surroundings: Surroundings;
  depth: number;
}

/** A service with what it extends beneath it. */
function extended(body: Located, at: Extending): Located {
  const from = entryAt(body, 'extends')?.value;
  if (from === undefined || at.depth > maxExtends) return body;
  const service = textOf(from) ?? textOf(entryAt(from, 'service')?.value);
  const path = textOf(entryAt(from, 'file')?.value);
  let { root, file } = at;
  if (path !== undefined) {
    const text = at.surroundings.read?.(path, at.file);
    if (text === undefined) return body;
    file = beside(path, at.file);
    root = readYaml(file, text)[0] ?? root;
  }
  const base = service === undefined ? undefined : entryAt(entryAt(root, 'services')?.value, service)?.value;
  if (base === undefined || base === body) return body;
  const merged = mergeLocated(extended(base, { ...at, root, file, depth: at.depth + 1 }), body);
  // What is missing is missing from the service that was asked about, wherever the rest came from.
  return merged.kind === 'map' && body.kind === 'map' ? { ...merged, at: body.at, flow: body.flow } : merged;
}

/** The path of a neighbour as it is shown, in the words of the file that names it. */
export function beside(path: string, from: string): string {
  if (path.startsWith('/')) return path;
  const folder = from.includes('/') ? from.slice(0, from.lastIndexOf('/') + 1) : '';
  return `${folder}${path.replace(/^\.\//, '')}`;
}
