// Variables in a compose file, as the Compose specification fills them in: `$X`, `${X:-default}`, `${X:?error}`, `${X:+other}`, `$$`.

export type Variables = Readonly<Record<string, string>>;

const maxDepth = 16;

/** The text with variables filled in; one that has neither a value nor a default stays as `${NAME}`. */
export function interpolate(text: string, variables: Variables = {}, depth = 0): string {
  if (!text.includes('$') || depth > maxDepth) return text;
  let out = '';
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    const next = text[i + 1];
    if (char !== '$' || next === undefined) out += char;
    else if (next === '$') {
      out += '$';
      i += 1;
    } else if (next === '{') {
      const end = closing(text, i + 2);
      out += expand(text.slice(i + 2, end), variables, depth);
      i = end;
    } else {
      const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(i + 1, i + 200))?.[0] ?? '';
      out += name === '' ? '$' : (own(variables, name) ?? `\${${name}}`);
      i += name.length;
    }
  }
  return out;
}

/** Whether something in the text is known only where it runs. */
export function isOpen(text: string): boolean {
  return /\$\{[A-Za-z_]/.test(text);
}

function expand(inner: string, variables: Variables, depth: number): string {
  const [, name = '', sign = '', rest = ''] = /^([A-Za-z_][A-Za-z0-9_]*)(:?[-?+])?([\s\S]*)$/.exec(inner) ?? [];
  const value = own(variables, name);
  const set = value !== undefined && (!sign.startsWith(':') || value !== '');
  if (sign.endsWith('+')) return set ? interpolate(rest, variables, depth + 1) : '';
  if (set) return value;
  if (!sign.endsWith('-')) return `\${${name}}`;
  // An empty default leaves it to whoever starts the file.
  return rest === '' ? `\${${name}}` : interpolate(rest, variables, depth + 1);
}

function own(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}

function closing(text: string, from: number): number {
  let open = 1;
  for (let i = from; i < text.length; i += 1) {
    if (text[i] === '$' && text[i + 1] === '{') open += 1;
    if (text[i] !== '}') continue;
    open -= 1;
    if (open === 0) return i;
  }
  return text.length;
}

/** The lines `NAME=value` of an env file. */
export function readEnvFile(text: string): Variables {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name, raw = ''] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const [, quoted] = /^(?:"([^"]*)"|'([^']*)')/.exec(raw)?.filter((part) => part !== undefined) ?? [];
    found[name] = quoted ?? raw.replace(/\s+#.*$/, '').trim();
  }
  return found;
}
