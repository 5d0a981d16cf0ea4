// Compose files laid over one another, and services that extend others, by the rules of the Compose specification.
import { interpolate } from './interpolate.ts';
import { type Entry, entryAt, type Located, type LocatedList, type LocatedMap, textOf } from './located.ts';

/** These are replaced whole, not added to. */
const replaced = new Set(['command', 'entrypoint', 'test']);
/** Lists whose items have a name: the later one of the same name wins. */
const named: Readonly<Record<string, (item: Located) => string>> = {
  environment: (item) => (textOf(item) ?? '').split('=')[0] ?? '',
  labels: (item) => (textOf(item) ?? '').split('=')[0] ?? '',
  args: (item) => (textOf(item) ?? '').split('=')[0] ?? '',
  extra_hosts: (item) => (textOf(item) ?? '').split(/[:=]/)[0] ?? '',
  volumes: (item) => mountTarget(item) ?? JSON.stringify(textOf(item)),
  devices: (item) => (textOf(item) ?? '').split(':')[1] ?? textOf(item) ?? '',
};

/** `under` with `over` on top. */
export function mergeLocated(under: Located, over: Located, key = ''): Located {
  if (over.tag === '!override' || replaced.has(key)) return over;
  if (under.kind === 'map' && over.kind === 'map') return mergeMaps(under, over);
  if (under.kind === 'list' && over.kind === 'list') return mergeLists(under, over, key);
  if (Object.hasOwn(named, key) && under.kind !== 'scalar' && over.kind !== 'scalar')
    return mergeLists(asList(under), asList(over), key);
  if (key === 'networks' || key === 'depends_on') {
    if (under.kind === 'list' && over.kind === 'map') return mergeMaps(asMap(under), over);
    if (under.kind === 'map' && over.kind === 'list') return mergeMaps(under, asMap(over));
  }
  return over;
}

function mergeMaps(under: LocatedMap, over: LocatedMap): LocatedMap {
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    if (entry.value.tag === '!reset') {
      entries.delete(key);
      continue;
    }
    const below = entries.get(key);
    if (below === undefined) entries.set(key, entry);
    else {
      const value = mergeLocated(below.value, entry.value, key);
      // A map stands where it first stood, so that what it lacks is told at the service's own line.
      entries.set(key, value === entry.value ? entry : { ...below, value });
    }
  }
  return { ...under, entries };
}

function mergeLists(under: LocatedList, over: LocatedList, key: string): LocatedList {
  const nameOf = named[key];
  if (nameOf === undefined) {
    const known = new Set(under.items.map((item) => textOf(item)).filter((text) => text !== undefined));
    const fresh = over.items.filter((item) => !known.has(textOf(item) ?? '\0'));
    return { ...under, items: [...under.items, ...fresh] };
  }
  const over_ = new Set(over.items.map(nameOf));
  return { ...under, items: [...under.items.filter((item) => !over_.has(nameOf(item))), ...over.items] };
}

/** `A: b` as `A=b`, at the place of its key. */
export function asList(value: LocatedMap | LocatedList): LocatedList {
  if (value.kind === 'list') return value;
  const items = [...value.entries.values()].map(pairItem);
  return { kind: 'list', at: value.at, flow: value.flow, tag: value.tag, items };
}

function pairItem({ key, keyAt, value }: Entry): Located {
  const text = textOf(value);
  const at = { ...keyAt, end: Math.max(keyAt.end, value.at.end) };
  return { kind: 'scalar', at, tag: '', text: text === undefined ? key : `${key}=${text}`, empty: false };
}

function asMap(value: LocatedList): LocatedMap {
  const entries = value.items.map((item): [string, Entry] => {
    const key = textOf(item) ?? '';
    return [key, { key, keyAt: item.at, value: { kind: 'scalar', at: item.at, tag: '', text: '', empty: true } }];
  });
  return { kind: 'map', at: value.at, flow: value.flow, tag: value.tag, entries: new Map(entries) };
}

/** Where a mount appears in the container: short `source:target[:mode]` or long syntax. */
export function mountTarget(item: Located): string | undefined {
  if (item.kind === 'map') return textOf(entryAt(item, 'target')?.value);
  const parts = splitMount(interpolate(textOf(item) ?? ''));
  return parts.length === 1 ? parts[0] : parts[1];
}

/** `source:target:mode` apart, without cutting `C:\…` or an open variable. */
export function splitMount(text: string): string[] {
  const parts: string[] = [];
  let current = '';
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i] ?? '';
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    const drive =
      current.length === 1 && /[A-Za-z]/.test(current) && /[\\/]/.test(text[i + 1] ?? '') && parts.length < 2;
    if (char !== ':' || depth > 0 || (drive && text[i + 1] === '\\')) current += char;
    else {
      parts.push(current);
      current = '';
    }
  }
  return [...parts, current];
}
