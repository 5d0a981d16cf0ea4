// Reads the text format in which services publish their metrics; what cannot be read is counted and passed over.
//
// Format: Prometheus exposition format 0.0.4, and of OpenMetrics what it has in common with it.

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export interface MetricsText {
  samples: Sample[];
  /** By name, as `# TYPE` lines say. */
  types: ReadonlyMap<string, string>;
  unreadable: number;
}

const mostSamples = 20_000;
const mostLineChars = 8_192;
const mostLabels = 40;

export function readMetrics(text: string): MetricsText {
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  let unreadable = 0;
  for (let from = 0; from < text.length && samples.length < mostSamples; ) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end < 0 ? text.length : end).trim();
    from = end < 0 ? text.length : end + 1;
    if (line === '') continue;
    if (line.startsWith('#')) {
      const [, name, type] =
        /^#\s{1,4}TYPE\s{1,4}([a-zA-Z_:][\w:]{0,200})\s{1,4}(\w{1,20})$/.exec(line.slice(0, 300)) ?? [];
      if (name !== undefined && type !== undefined) types.set(name, type);
      continue;
    }
    const sample = line.length > mostLineChars ? undefined : readSample(line);
    if (sample === undefined) unreadable++;
    else samples.push(sample);
  }
  return { samples, types, unreadable };
}

function readSample(line: string): Sample | undefined {
  const name = /^[a-zA-Z_:][\w:]{0,200}/.exec(line)?.[0];
  if (name === undefined) return undefined;
  let at = name.length;
  const labels: Record<string, string> = {};
  if (line[at] === '{') {
    const end = readLabels(line, at + 1, labels);
    if (end === undefined) return undefined;
    at = end;
  }
  const [given] = line.slice(at).trim().split(/\s/, 1);
  const value = numberOf(given ?? '');
  return value === undefined ? undefined : { name, labels, value };
}

/** Where the labels end; undefined when they are none. */
function readLabels(line: string, from: number, labels: Record<string, string>): number | undefined {
  let at = from;
  for (let count = 0; count <= mostLabels; count++) {
    while (line[at] === ' ' || line[at] === ',') at++;
    if (line[at] === '}') return at + 1;
    const name = /^[a-zA-Z_]\w{0,100}/.exec(line.slice(at, at + 101))?.[0];
    if (name === undefined) return undefined;
    at += name.length;
    while (line[at] === ' ') at++;
    if (line[at] !== '=') return undefined;
    at++;
    while (line[at] === ' ') at++;
    if (line[at] !== '"') return undefined;
    let value = '';
    for (at++; line[at] !== '"'; at++) {
      if (at >= line.length) return undefined;
      if (line[at] === '\\') at++;
      value += line[at - 1] === '\\' && line[at] === 'n' ? '\n' : (line[at] ?? '');
    }
    at++;
    labels[name] = value;
  }
  return undefined;
}

function numberOf(text: string): number | undefined {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  return /^[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,4})?$/.test(text) ? Number(text) : undefined;
}
