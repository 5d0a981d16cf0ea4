// Where the container engine listens, Docker or Podman.
import { statSync } from 'node:fs';

/** The engine's socket, as its own tools find it; undefined where there is none. */
export function engineSocket(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = /^unix:\/\/(.+)$/.exec(env['DOCKER_HOST'] ?? env['CONTAINER_HOST'] ?? '')?.[1];
  const runtime = env['XDG_RUNTIME_DIR'];
  const known = [
    named,
    '/var/run/docker.sock',
    '/run/podman/podman.sock',
    ...(runtime === undefined ? [] : [`${runtime}/docker.sock`, `${runtime}/podman/podman.sock`]),
  ];
  return known.find((path) => path !== undefined && statSync(path, { throwIfNoEntry: false })?.isSocket() === true);
}
