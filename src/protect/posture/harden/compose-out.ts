// A deployment profile as a hardened compose file: zones as networks, nothing that a container can do without.
import { stringify } from 'yaml';
import type { Deployment, DeploymentService, DeploymentZone } from '../../../platform/documents/deployment.ts';

export interface ComposeOptions {
  /** The variant for an incident: no model and no way out, fallback answers only. */
  secureMode: boolean;
}

type Run = NonNullable<DeploymentService['run']>;

export function hardenedCompose(deployment: Deployment, options: ComposeOptions): string {
  const services = deployment.services
    .filter((service) => service.run !== undefined && !(options.secureMode && service.role === 'model'))
    .toSorted((a, b) => a.order - b.order);
  const document = {
    name: options.secureMode ? `${deployment.name}-secure` : deployment.name,
    services: Object.fromEntries(services.map((service) => [service.name, serviceOf(service, services, options)])),
    networks: networksOf(deployment, services, options),
    ...volumesOf(services),
    ...secretsOf(services),
  };
  const yaml = stringify(document, { lineWidth: 0, defaultStringType: 'PLAIN', singleQuote: true });
  // Two numbers with a colon between are one number to YAML 1.1's readers.
  const quoted = yaml.replace(/^(\s+user: )(\S+)$/gm, '$1"$2"').replace(/^(\s+- )(\d[\d.]*:\d+:\d+)$/gm, '$1"$2"');
  return `${headerOf(options)
    .map((line) => `# ${line}\n`)
    .join('')}${quoted.replace(/\n(?=(networks|volumes|secrets):)/g, '\n\n')}`;
}

function headerOf({ secureMode }: ComposeOptions): string[] {
  return [
    'Written by `rempart posture harden`; change the deployment profile, then write it again.',
    'Images carry the digests that ./pin-images.sh puts into .env: without them nothing starts.',
    ...(secureMode
      ? ['Secure mode, for an incident: no model, no zone with a way out; users get honest fallback answers.']
      : []),
  ];
}

function serviceOf(
  { name, zones, run, role }: DeploymentService,
  all: readonly DeploymentService[],
  { secureMode }: ComposeOptions,
): object {
  if (run === undefined) return {};
  const config = secureMode && role === 'gateway';
  return {
    ...imageOf(name, run),
    ...(run.command === undefined ? {} : { command: run.command }),
    restart: 'unless-stopped',
    init: true,
    user: run.user,
    read_only: true,
    tmpfs: run.writable.map((path) => `${path}:size=64m,mode=1777,noexec,nosuid,nodev`),
    cap_drop: ['ALL'],
    ...(run.capabilities.length === 0 ? {} : { cap_add: run.capabilities }),
    security_opt: ['no-new-privileges:true'],
    mem_limit: run.memory,
    memswap_limit: run.memory,
    cpus: run.cpus,
    pids_limit: run.pids,
    ...(run.devices.length === 0 ? {} : { devices: run.devices }),
    ...(Object.keys(run.environment).length === 0 ? {} : { environment: run.environment }),
    ...(run.secrets.length === 0 ? {} : { secrets: run.secrets }),
    ...(run.volumes.length === 0
      ? {}
      : {
          volumes: config
            ? run.volumes.map((one) => one.replace(/^\.\/rempart\.yaml:/, './rempart.secure.yaml:'))
            : run.volumes,
        }),
    ...(run.publish.length === 0
      ? {}
      : { ports: run.publish.map(({ address, host, container }) => `${address}:${host}:${container}`) }),
    networks: zones,
    ...dependenciesOf(name, zones, all),
    healthcheck: { test: run.health, interval: '15s', timeout: '5s', retries: 3, start_period: '30s' },
    logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '5' } },
  };
}

/** `name:tag@sha256:${NAME_SHA256}`: a digest is never made up, and never missing at a start. */
function imageOf(name: string, { image, build }: Run): object {
  if (build !== undefined)
    return {
      ...(image === undefined ? {} : { image }),
      build: {
        context: build,
        dockerfile: 'deploy/Dockerfile',
        args: { NODE_SHA256: `\${NODE_SHA256:?run ./pin-images.sh first}` },
      },
    };
  if (image === undefined || image.includes('@')) return { image };
  return { image: `${image}@sha256:\${${digestVariable(name)}:?run ./pin-images.sh first}` };
}

export function digestVariable(service: string): string {
  return `${service.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()}_SHA256`;
}

/** Data before what reads it: services of a lower order that share a zone. */
function dependenciesOf(name: string, zones: readonly DeploymentZone[], all: readonly DeploymentService[]): object {
  const own = all.find((one) => one.name === name);
  const before = all.filter(
    (other) =>
      other.order < (own?.order ?? 0) && other.role === 'data' && other.zones.some((zone) => zones.includes(zone)),
  );
  if (before.length === 0) return {};
  return { depends_on: Object.fromEntries(before.map((other) => [other.name, { condition: 'service_healthy' }])) };
}

function networksOf(
  deployment: Deployment,
  services: readonly DeploymentService[],
  { secureMode }: ComposeOptions,
): object {
  const used = new Set(services.flatMap(({ zones }) => zones));
  const entries = Object.entries(deployment.zones).filter(([zone]) => used.has(zone as DeploymentZone));
  return Object.fromEntries(
    entries.map(([zone, { cidr, internal }]) => [
      zone,
      {
        driver: 'bridge',
        ...(internal || (secureMode && zone === 'dmz') ? { internal: true } : {}),
        ipam: { config: cidr.map((subnet) => ({ subnet })) },
      },
    ]),
  );
}

function volumesOf(services: readonly DeploymentService[]): object {
  const names = services
    .flatMap(({ run }) => run?.volumes ?? [])
    .map((volume) => volume.split(':')[0] ?? '')
    .filter((source) => !/^[./~]/.test(source));
  return names.length === 0 ? {} : { volumes: Object.fromEntries([...new Set(names)].map((name) => [name, {}])) };
}

function secretsOf(services: readonly DeploymentService[]): object {
  const names = [...new Set(services.flatMap(({ run }) => run?.secrets ?? []))];
  if (names.length === 0) return {};
  return { secrets: Object.fromEntries(names.map((name) => [name, { file: `./secrets/${name}` }])) };
}
