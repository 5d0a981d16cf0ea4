// The checks on a Dockerfile that a pattern cannot say.
import { type Dockerfile, hasHealthcheck, type Instruction, isRoot, type Stage, userOf } from './dockerfile.ts';
import type { Hit } from './hit.ts';
import { isMoving, readImage } from './images.ts';
import { secretInstructions } from './secret-checks.ts';

export type DockerfileCheck = (dockerfile: Dockerfile, file: string) => Hit[];

export function hitAt({ line, name }: Instruction, file: string, more: Partial<Hit> = {}): Hit {
  return { at: { file, line, start: 0, end: 0, column: 0 }, service: null, setting: name, ...more };
}

function lastStage({ stages }: Dockerfile): Stage | undefined {
  return stages.at(-1);
}

const userUnset: DockerfileCheck = (dockerfile, file) => {
  const stage = lastStage(dockerfile);
  if (stage === undefined || userOf(stage) !== undefined || namesItsUser(stage)) return [];
  return [hitAt(stage.from, file, { setting: 'USER' })];
};

/** Images whose tag says that they run without privileges: `nonroot`, `debug-nonroot`, `rootless`, `unprivileged`. */
function namesItsUser(stage: Stage): boolean {
  let first = stage;
  for (let depth = 0; first.base !== undefined && depth < 50; depth += 1) first = first.base;
  const { name, tag = '' } = readImage(first.image);
  return /(^|[-_.])(nonroot|rootless|unprivileged)$/i.test(tag) || /-unprivileged$/i.test(name);
}

const userRoot: DockerfileCheck = (dockerfile, file) => {
  const stage = lastStage(dockerfile);
  const found = stage === undefined ? undefined : userOf(stage);
  if (found === undefined || !isRoot(found.user)) return [];
  return [hitAt(found.instruction, file, { value: found.user })];
};

function fetched({ stages }: Dockerfile): { stage: Stage; image: string }[] {
  return stages.flatMap((stage) => {
    const open = stage.image.includes('$') || stage.image === '' || stage.image.toLowerCase() === 'scratch';
    return open || stage.base !== undefined ? [] : [{ stage, image: stage.image }];
  });
}

/** Images that COPY and RUN --mount take files from; a stage or its number is none. */
function copiedFrom({ stages, instructions }: Dockerfile): { instruction: Instruction; image: string }[] {
  const names = new Set(stages.map(({ name }) => name?.toLowerCase()));
  return instructions.flatMap((instruction) => {
    const flags = /^(?:--\S+\s+)*/.exec(instruction.text)?.[0] ?? '';
    const [, image = ''] = /(?:^--|,|\s--)from=([^\s,]+)/.exec(flags) ?? [];
    const none = image === '' || image.includes('$') || /^\d+$/.test(image) || names.has(image.toLowerCase());
    return none || !/^(COPY|RUN)$/.test(instruction.name) ? [] : [{ instruction, image }];
  });
}

const fromLatest: DockerfileCheck = (dockerfile, file) =>
  [
    ...fetched(dockerfile).map(({ stage, image }) => ({ instruction: stage.from, image })),
    ...copiedFrom(dockerfile),
  ].flatMap(({ instruction, image }) =>
    isMoving(readImage(image)) ? [hitAt(instruction, file, { value: image })] : [],
  );

const fromDigest: DockerfileCheck = (dockerfile, file) =>
  fetched(dockerfile).flatMap(({ stage, image }) => {
    const read = readImage(image);
    return isMoving(read) || read.digest !== undefined ? [] : [hitAt(stage.from, file, { value: image })];
  });

const healthcheck: DockerfileCheck = (dockerfile, file) => {
  const stage = lastStage(dockerfile);
  if (stage === undefined || hasHealthcheck(stage)) return [];
  const none = stage.instructions.findLast(({ name }) => name === 'HEALTHCHECK');
  return [hitAt(none ?? stage.from, file, { setting: 'HEALTHCHECK' })];
};

export const dockerfileChecks: Readonly<Record<string, DockerfileCheck>> = {
  'dockerfile-user-unset': userUnset,
  'dockerfile-user-root': userRoot,
  'dockerfile-from-latest': fromLatest,
  'dockerfile-from-digest': fromDigest,
  'dockerfile-healthcheck': healthcheck,
  'dockerfile-secret': secretInstructions,
};
