// A hardened deployment as files: compose, secure-mode variant, firewall rules, and what Rempart's own services read.
import type { Deployment } from '../../../platform/documents/deployment.ts';
import { digestVariable, hardenedCompose } from './compose-out.ts';
import { iptablesRules, modelDoor, netshRules, nftRules } from './firewall-out.ts';
import { ownFiles } from './own-files.ts';

export interface HardenOptions {
  /** Only the variant for an incident. */
  secureMode: boolean;
}

export interface OutFile {
  text: string;
  executable?: boolean;
}

/** Every file by its path under the output folder. */
export function hardenedFiles(deployment: Deployment, { secureMode }: HardenOptions): Record<string, OutFile> {
  const door = modelDoor(deployment);
  return {
    ...(secureMode ? {} : { 'compose.yaml': { text: hardenedCompose(deployment, { secureMode: false }) } }),
    'compose.secure-mode.yaml': { text: hardenedCompose(deployment, { secureMode: true }) },
    'firewall/model.nft': { text: nftRules(door) },
    'firewall/model.iptables.sh': { text: iptablesRules(door), executable: true },
    'firewall/model.netsh.cmd': { text: netshRules(door) },
    'pin-images.sh': { text: pinImages(deployment), executable: true },
    'make-secrets.sh': { text: makeSecrets(deployment), executable: true },
    'README.md': { text: readme(deployment, secureMode) },
    '.gitignore': { text: 'secrets/\n.env\nmodels/\n' },
    ...(deployment.services.some(({ run }) => run?.build !== undefined) ? ownFiles(deployment) : {}),
  };
}

/** Digests come from the registry at the moment somebody decides to trust it, and stay in .env from then on. */
function pinImages({ services }: Deployment): string {
  const images = services.flatMap(({ name, run }): [string, string][] =>
    run?.image === undefined || run.build !== undefined ? [] : [[digestVariable(name), run.image]],
  );
  const built = services.some(({ run }) => run?.build !== undefined);
  const all = built ? [['NODE_SHA256', 'node:24.21.0-bookworm-slim'] as const, ...images] : images;
  return [
    '#!/bin/sh',
    '# Writes the digest of each image into .env, as the registry gives it now. Compare them with their publishers, then keep the file.',
    'set -eu',
    'cd "$(dirname "$0")"',
    'umask 077',
    'trap "rm -f .env.new" EXIT',
    ': > .env.new',
    '# What is no digest stops here, and the .env of before stays.',
    'pin() {',
    `  found=$(docker buildx imagetools inspect "$2" --format '{{.Manifest.Digest}}')`,
    '  case "$found" in',
    `    sha256:*[!0-9a-f]* | sha256:) echo "$2: no digest: $found" >&2; exit 1 ;;`,
    `    sha256:????????????????????????????????????????????????????????????????) ;;`,
    `    *) echo "$2: no digest: $found" >&2; exit 1 ;;`,
    '  esac',
    `  echo "$1=\${found#sha256:}" >> .env.new`,
    '}',
    ...all.map(([variable, image]) => `pin ${variable} ${image}`),
    'mv .env.new .env',
    '',
  ].join('\n');
}

function makeSecrets({ services }: Deployment): string {
  const names = [...new Set(services.flatMap(({ run }) => run?.secrets ?? []))];
  const generated = names.filter((name) => !name.startsWith('tls_') && name !== 'store_url');
  return [
    '#!/bin/sh',
    '# Makes the secrets that can be made here, each a file that only its reader may open; those that exist stay.',
    'set -eu',
    'cd "$(dirname "$0")"',
    'umask 077',
    'mkdir -p secrets',
    ...generated.map((name) => `[ -e secrets/${name} ] || openssl rand -hex 32 > secrets/${name}`),
    ...(names.includes('store_url')
      ? [
          '[ -e secrets/store_url ] || printf "postgres://rempart:%s@store/rempart" "$(cat secrets/store_password)" > secrets/store_url',
        ]
      : []),
    ...(names.includes('tls_key')
      ? [
          '# For a first try; put the certificate of your own authority in its place.',
          '[ -e secrets/tls_key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout secrets/tls_key -out secrets/tls_certificate',
        ]
      : []),
    ...owners(services),
    '',
  ].join('\n');
}

/** Compose mounts a secret with the owner it has here, so it belongs to the user who reads it there. */
function owners(services: Deployment['services']): string[] {
  return services.flatMap(({ run }) =>
    run === undefined ? [] : run.secrets.map((name) => `chown ${run.user} secrets/${name}`),
  );
}

function readme({ name, zones, services }: Deployment, secureMode: boolean): string {
  const rows = Object.entries(zones).map(([zone, { cidr, internal }]) => {
    const members = services.filter((one) => one.zones.includes(zone as never)).map((one) => one.name);
    return `| ${zone} | ${cidr.join(', ')} | ${internal ? 'no' : 'yes'} | ${members.join(', ') || '–'} |`;
  });
  return [
    `# ${name}: hardened deployment`,
    '',
    'Written by `rempart posture harden`. Change the deployment profile and write it again rather than editing here.',
    '',
    '```sh',
    './pin-images.sh      # digests into .env: compare them with their publishers',
    './make-secrets.sh    # as root: each secret belongs to its reader',
    `docker compose -f ${secureMode ? 'compose.secure-mode.yaml' : 'compose.yaml'} up -d`,
    '```',
    '',
    '| zone | network | way out | services |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Every container: a user without privileges, a read-only root, no capabilities, no new privileges, limits, a health check.',
    "Docker's default seccomp and AppArmor profiles stay on: `unconfined` would switch them off.",
    '',
    '`compose.secure-mode.yaml` is for an incident: no model, no zone with a way out, honest fallback answers.',
    "`firewall/` holds the model's port to this machine and the private zone: nftables, iptables, Windows.",
    '',
  ].join('\n');
}
