// The checks on the networks of a whole project: zones that are none, closed ones that lead out.
import { itemsOf } from './compose-checks.ts';
import { beside, type Project, type Service } from './compose-project.ts';
import type { Hit } from './hit.ts';
import { keepsValuables, readImage } from './images.ts';
import { interpolate } from './interpolate.ts';
import { type Entry, entryAt, textOf } from './located.ts';

export type ProjectCheck = (project: Project) => Hit[];

/** The networks that a service stands on; none where it borrows another's or has no network. */
function networksOf(service: Service): string[] {
  if (entryAt(service.body, 'network_mode') !== undefined) return [];
  const entry = entryAt(service.body, 'networks');
  const names = itemsOf(entry?.value).map((item) => (textOf(item) ?? '').split('=')[0] ?? '');
  return names.length === 0 ? ['default'] : names;
}

function isTrue(project: Project, network: string, key: string): boolean {
  const declared = project.networks.get(network);
  const value = entryAt(declared?.value, key)?.value;
  if (key === 'external' && value?.kind === 'map') return true;
  return /^(true|yes|on|y|1)$/i.test(interpolate(textOf(value) ?? '', project.variables));
}

/** An external network is somebody else's to close. */
const leadsOut = (project: Project, network: string) =>
  !isTrue(project, network, 'internal') && !isTrue(project, network, 'external');

const networksFlat: ProjectCheck = (project) => {
  const standing = project.services.map(networksOf).filter((names) => names.length > 0);
  const all = new Set(standing.flat());
  if (standing.length < 2 || all.size !== 1) return [];
  const [network = 'default'] = all;
  // One closed network of an application behind a host's proxy is a zone of its own.
  if (isTrue(project, network, 'internal')) return [];
  const at = project.networks.get(network)?.keyAt ?? entryAt(project.root, 'services')?.keyAt ?? project.root.at;
  return [{ at, service: null, setting: 'networks', value: network, facts: { count: standing.length } }];
};

const closedName =
  /(^|[_-])(private|priv|internal|intern|backend|back|db|database|data|storage|management|mgmt|admin|secure|isolated|prive|interne|gestion)($|[_-])/i;

const networkNotInternal: ProjectCheck = (project) => {
  const used = new Set(project.services.flatMap(networksOf));
  const hits: Hit[] = [];
  for (const declared of project.networks.values()) {
    if (!closedName.test(declared.key) || !leadsOut(project, declared.key)) continue;
    if (!used.has(declared.key)) continue;
    hits.push(notInternal(declared));
  }
  return hits;
};

function notInternal(declared: Entry): Hit {
  const internal = entryAt(declared.value, 'internal');
  const setting = `networks.${declared.key}.internal`;
  return { at: internal?.keyAt ?? declared.keyAt, service: null, setting, value: declared.key, entry: declared };
}

const internalWayOut: ProjectCheck = (project) =>
  project.services.flatMap((service) => {
    const entry = entryAt(service.body, 'networks');
    const image = interpolate(textOf(entryAt(service.body, 'image')?.value) ?? '', project.variables);
    if (entry === undefined || !keepsValuables(readImage(image))) return [];
    const names = networksOf(service);
    if (!names.some((name) => isTrue(project, name, 'internal'))) return [];
    return names
      .filter((name) => leadsOut(project, name))
      .map((name) => ({
        at: entry.keyAt,
        service: service.name,
        setting: 'networks',
        value: name,
        body: service.body,
      }));
  });

const secretFileReadable: ProjectCheck = (project) => {
  const secrets = entryAt(project.root, 'secrets')?.value;
  if (secrets?.kind !== 'map') return [];
  return [...secrets.entries.values()].flatMap(({ key, value }): Hit[] => {
    const file = entryAt(value, 'file');
    const path = textOf(file?.value);
    if (file === undefined || path === undefined) return [];
    const mode = project.surroundings.mode?.(path, file.keyAt.file);
    if (mode === undefined || (mode & 0o004) === 0) return [];
    return [{ at: file.keyAt, service: null, setting: `secrets.${key}.file`, value: beside(path, file.keyAt.file) }];
  });
};

export const projectChecks: Readonly<Record<string, ProjectCheck>> = {
  'networks-flat': networksFlat,
  'network-not-internal': networkNotInternal,
  'internal-way-out': internalWayOut,
  'secret-file-readable': secretFileReadable,
};
