// A Dockerfile taken apart: instructions with their lines, stages, and the user the last stage ends with.

export interface Instruction {
  /** Upper case: FROM, RUN, … */
  name: string;
  /** What follows, continued lines joined by a space, comments inside left out, heredoc bodies added line by line. */
  text: string;
  /** First line, from 1. */
  line: number;
  lastLine: number;
}

export interface Stage {
  name: string | undefined;
  /** The image, with ARG defaults filled in. */
  image: string;
  from: Instruction;
  instructions: Instruction[];
  /** The stage of this file that it begins from. */
  base: Stage | undefined;
}

export interface Dockerfile {
  instructions: Instruction[];
  stages: Stage[];
}

/** Whether a text is a Dockerfile: its first instruction is FROM, after ARG at most. */
export function isDockerfile(text: string): boolean {
  return readInstructions(text).find(({ name }) => name !== 'ARG')?.name === 'FROM';
}

export function readDockerfile(text: string): Dockerfile {
  const instructions = readInstructions(text);
  const globals: Record<string, string> = {};
  const stages: Stage[] = [];
  for (const instruction of instructions) {
    const stage = stages.at(-1);
    if (instruction.name === 'FROM') stages.push(stageOf(instruction, stages, globals));
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.name === 'ARG')
      for (const { key, value } of readPairs(instruction.text, 'ARG')) globals[key] = value ?? '';
  }
  return { instructions, stages };
}

function stageOf(from: Instruction, earlier: readonly Stage[], globals: Readonly<Record<string, string>>): Stage {
  const words = from.text.split(/\s+/).filter((word) => word !== '' && !word.startsWith('--'));
  const image = fill(words[0] ?? '', globals);
  const name = /^as$/i.test(words[1] ?? '') ? words[2] : undefined;
  const base = earlier.find((stage) => stage.name?.toLowerCase() === image.toLowerCase());
  return { name, image, from, instructions: [], base };
}

/** `$X`, `${X}`, `${X:-default}`; what is not known stays. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g,
    (whole, braced?: string, fallback?: string, bare?: string) => {
      const value = values[braced ?? bare ?? ''];
      return value !== undefined && value !== '' ? value : (fallback ?? whole);
    },
  );
}

/** The last word on the user: of the stage, else of the stage it begins from; undefined when nobody says. */
export function userOf(stage: Stage, depth = 0): { user: string; instruction: Instruction } | undefined {
  const instruction = stage.instructions.findLast(({ name }) => name === 'USER');
  if (instruction !== undefined) {
    const values = defaultsOf(stage);
    return { user: fill(instruction.text.trim(), values).replace(/^["']|["']$/g, ''), instruction };
  }
  return stage.base === undefined || depth > 50 ? undefined : userOf(stage.base, depth + 1);
}

export function isRoot(user: string): boolean {
  const [name = ''] = user.trim().split(':');
  return name.toLowerCase() === 'root' || /^0+$/.test(name);
}

export function hasHealthcheck(stage: Stage, depth = 0): boolean {
  const own = stage.instructions.findLast(({ name }) => name === 'HEALTHCHECK');
  if (own !== undefined) return !/^NONE\b/i.test(own.text);
  return stage.base !== undefined && depth < 50 && hasHealthcheck(stage.base, depth + 1);
}

function defaultsOf(stage: Stage): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, text } of stage.instructions) {
    if (name !== 'ARG' && name !== 'ENV') continue;
    for (const { key, value } of readPairs(text, name)) if (value !== undefined) values[key] = value;
  }
  return values;
}

/** `A=b C="d e"`, or ENV's old form `A b c`; a name alone has no value. */
export function readPairs(text: string, instruction: string): { key: string; value: string | undefined }[] {
  const trimmed = text.trim();
  const [, oldKey, oldValue] = /^([A-Za-z_]\w*)\s+(\S[\s\S]*)$/.exec(trimmed) ?? [];
  if (instruction === 'ENV' && oldKey !== undefined) return [{ key: oldKey, value: oldValue }];
  const pairs: { key: string; value: string | undefined }[] = [];
  for (const [, key = '', quoted, single, bare] of trimmed.matchAll(
    /([A-Za-z_][\w.-]*)(?:=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s\\"']|\\.)*)))?(?=\s|$)/g,
  ))
    pairs.push({ key, value: quoted ?? single ?? bare });
  return pairs;
}

function readInstructions(text: string): Instruction[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const continuation = /^#\s*escape\s*=\s*`/im.test(lines.slice(0, 3).join('\n')) ? '`' : '\\';
  const found: Instruction[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    const first = lines[i] ?? '';
    if (/^\s*(#|$)/.test(first)) continue;
    const start = i;
    const parts: string[] = [];
    for (let line = first; ; line = lines[i] ?? '') {
      // A comment or an empty line between continued lines is skipped and continues.
      const skipped = i > start && /^\s*(#|$)/.test(line);
      const continued = skipped || line.trimEnd().endsWith(continuation);
      if (!skipped) parts.push(continued ? line.trimEnd().slice(0, -1) : line);
      if (!continued || i + 1 >= lines.length) break;
      i += 1;
    }
    const [, word = '', rest = ''] = /^\s*(\S+)\s*([\s\S]*)$/.exec(parts.join(' ')) ?? [];
    const name = word.toUpperCase();
    const bodies: string[] = [];
    if (name === 'RUN' || name === 'COPY' || name === 'ADD')
      for (const [, , marker = ''] of rest.matchAll(/<<-?(["']?)([A-Za-z_]\w*)\1/g)) {
        for (i += 1; i < lines.length && lines[i]?.trim() !== marker; i += 1) bodies.push(lines[i] ?? '');
      }
    found.push({ name, text: [rest.trim(), ...bodies].join('\n'), line: start + 1, lastLine: i + 1 });
  }
  return found;
}
