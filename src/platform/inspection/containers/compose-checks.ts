// The checks on a service that a pattern cannot say.
import { posix } from 'node:path';
import { beside, type Project, type Service } from './compose-project.ts';
import { hasHealthcheck, isRoot, readDockerfile, type Stage, userOf } from './dockerfile.ts';
import type { Hit } from './hit.ts';
import { isMoving, readImage } from './images.ts';
import { interpolate, isOpen } from './interpolate.ts';
import { type Entry, entryAt, type Located, textOf } from './located.ts';
import { asList, splitMount } from './merge.ts';
import { isEverywhere, type PublishedPort, readPort, sensitiveService } from './ports.ts';

export type ServiceCheck = (service: Service, project: Project) => Hit[];

/** The start of a hit on a setting of a service. */
export function hitOn(service: Service, entry: Entry, more: Partial<Hit> = {}): Hit {
  return { at: entry.keyAt, service: service.name, setting: entry.key, body: service.body, entry, ...more };
}

/** A hit on what a service lacks: told at the service itself. */
export function lacking(service: Service, setting: string, more: Partial<Hit> = {}): Hit {
  return { at: service.entry.keyAt, service: service.name, setting, body: service.body, ...more };
}

/** The items of a list, or of a mapping read as one. */
export function itemsOf(value: Located | undefined): Located[] {
  if (value === undefined || value.kind === 'scalar') return textOf(value) === undefined ? [] : [value as Located];
  return asList(value).items;
}

function settingText(service: Service, project: Project, setting: string): string | undefined {
  const text = textOf(entryAt(service.body, setting)?.value);
  return text === undefined ? undefined : interpolate(text, project.variables);
}

const userRoot: ServiceCheck = (service, project) => {
  const entry = entryAt(service.body, 'user');
  const user = settingText(service, project, 'user');
  if (entry === undefined || user === undefined || user === '' || !isRoot(user)) return [];
  return [hitOn(service, entry, { value: textOf(entry.value) ?? '' })];
};

const userUnset: ServiceCheck = (service, project) => {
  const user = settingText(service, project, 'user');
  if (user !== undefined && user !== '') return [];
  const built = builtStage(service, project);
  const own = built === undefined ? undefined : userOf(built);
  if (own !== undefined && !isRoot(own.user)) return [];
  const entry = entryAt(service.body, 'user');
  return [entry === undefined ? lacking(service, 'user') : hitOn(service, entry)];
};

/** The last stage of the Dockerfile that a service is built from, where it can be read. */
function builtStage(service: Service, project: Project): Stage | undefined {
  const build = entryAt(service.body, 'build');
  if (build === undefined) return undefined;
  const of = (key: string) => textOf(entryAt(build.value, key)?.value);
  const inline = of('dockerfile_inline');
  const context = interpolate(textOf(build.value) ?? of('context') ?? '.', project.variables).replace(/\/$/, '');
  const path = `${context}/${of('dockerfile') ?? 'Dockerfile'}`;
  const text = inline ?? project.surroundings.read?.(path, build.keyAt.file);
  if (text === undefined) return undefined;
  const { stages } = readDockerfile(text);
  const target = of('target');
  return target === undefined ? stages.at(-1) : stages.find(({ name }) => name === target);
}

const healthcheck: ServiceCheck = (service, project) => {
  const entry = entryAt(service.body, 'healthcheck');
  if (entry === undefined) {
    const built = builtStage(service, project);
    return built !== undefined && hasHealthcheck(built) ? [] : [lacking(service, 'healthcheck')];
  }
  const [first] = itemsOf(entryAt(entry.value, 'test')?.value);
  const off = /^(true|yes|on|y|1)$/i.test(textOf(entryAt(entry.value, 'disable')?.value) ?? '');
  return off || (first !== undefined && textOf(first)?.toUpperCase() === 'NONE') ? [hitOn(service, entry)] : [];
};

function imageOf(service: Service, project: Project) {
  const entry = entryAt(service.body, 'image');
  const text = textOf(entry?.value);
  if (entry === undefined || text === undefined) return undefined;
  // What is built here is named, not fetched.
  if (entryAt(service.body, 'build') !== undefined) return undefined;
  const filled = interpolate(text, project.variables);
  return isOpen(filled) ? undefined : { entry, text, filled, image: readImage(filled) };
}

const imageLatest: ServiceCheck = (service, project) => {
  const found = imageOf(service, project);
  if (found === undefined || !isMoving(found.image)) return [];
  return [hitOn(service, found.entry, { at: found.entry.value.at, value: found.text })];
};

const imageDigest: ServiceCheck = (service, project) => {
  const found = imageOf(service, project);
  if (found === undefined || isMoving(found.image) || found.image.digest !== undefined) return [];
  return [hitOn(service, found.entry, { at: found.entry.value.at, value: found.text })];
};

const networkHost: ServiceCheck = (service, project) => {
  const mode = entryAt(service.body, 'network_mode');
  if (mode !== undefined && settingText(service, project, 'network_mode') === 'host')
    return [hitOn(service, mode, { value: textOf(mode.value) ?? '' })];
  const networks = entryAt(service.body, 'networks');
  if (networks?.value.kind === 'scalar' || networks === undefined) return [];
  const list = asList(networks.value);
  const hostNames = new Set(
    [...project.networks.values()].flatMap(({ key, value }) =>
      textOf(entryAt(value, 'name')?.value) === 'host' ? [key] : [],
    ),
  );
  hostNames.add('host');
  const items = list.items.filter((one) => {
    const name = (textOf(one) ?? '').split('=')[0] ?? '';
    const declared = project.networks.get(name);
    return hostNames.has(name) && (declared === undefined || name !== 'host' || isExternalHost(declared));
  });
  return items.map((item) => hitOn(service, networks, { at: item.at, value: 'host', list, item }));
};

function isExternalHost(declared: Entry): boolean {
  const external = entryAt(declared.value, 'external');
  const name = textOf(entryAt(declared.value, 'name')?.value);
  return external !== undefined && (name === undefined || name === 'host');
}

/** Mounts of a service with their source on the host. */
function mountsOf(service: Service, project: Project) {
  const entry = entryAt(service.body, 'volumes');
  if (entry === undefined || entry.value.kind !== 'list') return [];
  const list = entry.value;
  return list.items.flatMap((item) => {
    const raw = item.kind === 'map' ? textOf(entryAt(item, 'source')?.value) : textOf(item);
    if (raw === undefined) return [];
    const filled = interpolate(raw, project.variables);
    const parts = item.kind === 'map' ? [filled, ''] : splitMount(filled);
    const [source = ''] = parts;
    const [place = source] = [deviceOf(source, project)];
    return parts.length > 1 && /^[/~.\\]|^\$\{HOME\}/.test(place)
      ? [{ entry, list, item, source: plainPath(place), text: raw }]
      : [];
  });
}

/** The folder of the host that a named volume stands for, where its driver binds one. */
function deviceOf(name: string, project: Project): string | undefined {
  const volume = entryAt(project.root, 'volumes')?.value;
  if (volume?.kind !== 'map' || name === '') return undefined;
  const options = volume.entries.get(name)?.value;
  const of = (key: string) =>
    interpolate(textOf(entryAt(options, `driver_opts.${key}`)?.value) ?? '', project.variables);
  return /\bbind\b/.test(of('o')) && of('device') !== '' ? of('device') : undefined;
}

/** `/srv/../etc/` is `/etc`. */
function plainPath(path: string): string {
  return path.startsWith('/') && !path.startsWith('//') ? posix.normalize(path) : path;
}

const engineSocket =
  /(^|\/)(docker|podman|containerd|crio|dockershim)\.sock$|^\/(var\/)?run\/?$|^[/\\]{2}\.[/\\]pipe[/\\](docker_engine|podman)/i;

const dockerSocket: ServiceCheck = (service, project) => {
  const asked = entryAt(service.body, 'use_api_socket');
  const given = /^(true|yes|on|y|1)$/i.test(settingText(service, project, 'use_api_socket') ?? '');
  const mounted = mountsOf(service, project)
    .filter(({ source }) => engineSocket.test(source))
    .map(({ entry, list, item, text }) => hitOn(service, entry, { at: item.at, value: text, list, item }));
  return asked !== undefined && given ? [...mounted, hitOn(service, asked, { value: 'use_api_socket' })] : mounted;
};

const systemDirectory =
  /^\/$|^\/(etc|proc|sys|dev|boot|root|bin|sbin|lib(32|64)?|usr|home|var|var\/lib|var\/lib\/(docker|containers|kubelet)(\/.*)?|var\/log|etc\/(passwd|shadow|sudoers(\.d)?|ssh|ssl|pam\.d|cron\.\w+|systemd|kubernetes|docker)(\/.*)?|(proc|sys|boot|dev)\/.*)$|^(~|\$\{HOME\}|\/root|\/home\/[^/]+)\/?(\.(ssh|aws|kube|docker|gnupg|config|azure)(\/.*)?)?$/;

const hostMount: ServiceCheck = (service, project) =>
  mountsOf(service, project)
    .filter(({ source }) => {
      const path = source.length > 1 ? source.replace(/\/+$/, '') : source;
      return systemDirectory.test(path) && !/^\/dev\/(shm|null|urandom)$/.test(path);
    })
    .map(({ entry, list, item, source }) => hitOn(service, entry, { at: item.at, value: source, list, item }));

const hostBridge: ServiceCheck = (service, project) => {
  const hosts = entryAt(service.body, 'extra_hosts');
  const named = (hosts === undefined ? [] : itemsOf(hosts.value)).filter((item) =>
    /host-gateway|host\.docker\.internal|gateway\.docker\.internal/.test(interpolate(textOf(item) ?? '')),
  );
  if (hosts !== undefined && named.length > 0)
    return named.map((item) => hitOn(service, hosts, { at: item.at, value: textOf(item) ?? '' }));
  const environment = entryAt(service.body, 'environment');
  const used = (environment === undefined ? [] : itemsOf(environment.value)).find((item) =>
    /\b(host|gateway)\.docker\.internal\b/.test(interpolate(textOf(item) ?? '', project.variables)),
  );
  if (environment === undefined || used === undefined) return [];
  const name = (textOf(used) ?? '').split('=')[0] ?? '';
  return [hitOn(service, environment, { at: used.at, setting: `environment.${name}` })];
};

function everywherePorts(service: Service, project: Project): { port: PublishedPort; hit: Hit }[] {
  const entry = entryAt(service.body, 'ports');
  if (entry === undefined || entry.value.kind !== 'list') return [];
  const list = entry.value;
  return list.items.flatMap((item) => {
    const port = readPort(item, project.variables);
    if (port === undefined || !isEverywhere(port)) return [];
    return [{ port, hit: hitOn(service, entry, { at: item.at, value: port.text, list, item }) }];
  });
}

const portEverywhere: ServiceCheck = (service, project) =>
  everywherePorts(service, project).flatMap(({ port, hit }) => (sensitiveService(port) === undefined ? [hit] : []));

const portSensitive: ServiceCheck = (service, project) =>
  everywherePorts(service, project).flatMap(({ port, hit }) => {
    const what = sensitiveService(port);
    return what === undefined ? [] : [{ ...hit, facts: { what } }];
  });

const wildcardOrigins: ServiceCheck = (service, project) => {
  const environment = entryAt(service.body, 'environment');
  return itemsOf(environment?.value).flatMap((item) => {
    const [name = '', ...rest] = (textOf(item) ?? '').split('=');
    const value = interpolate(rest.join('='), project.variables);
    if (environment === undefined || !/ORIGINS?$|CORS/i.test(name)) return [];
    if (!/(^|[\s,"'[])(https?:\/\/)?\*(:\*)?($|[\s,"'\]])/.test(value)) return [];
    return [hitOn(service, environment, { at: item.at, setting: `environment.${name}`, value: `${name}=${value}` })];
  });
};

const envFileReadable: ServiceCheck = (service, project) => {
  const entry = entryAt(service.body, 'env_file');
  if (entry === undefined) return [];
  const items = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  return items.flatMap((item) => {
    const path = textOf(item.kind === 'map' ? entryAt(item, 'path')?.value : item);
    const mode = path === undefined ? undefined : project.surroundings.mode?.(path, item.at.file);
    if (path === undefined || mode === undefined || (mode & 0o004) === 0) return [];
    return [hitOn(service, entry, { at: item.at, value: beside(path, item.at.file) })];
  });
};

export const serviceChecks: Readonly<Record<string, ServiceCheck>> = {
  'user-root': userRoot,
  'user-unset': userUnset,
  healthcheck,
  'image-latest': imageLatest,
  'image-digest': imageDigest,
  'network-host': networkHost,
  'docker-socket': dockerSocket,
  'host-mount': hostMount,
  'host-bridge': hostBridge,
  'port-everywhere': portEverywhere,
  'port-sensitive': portSensitive,
  'wildcard-origins': wildcardOrigins,
  'env-file-readable': envFileReadable,
};
