// What a credential may be used for: models by canonical name and routes by address, both with `*` as in mistral-*.
import { RempartError } from '../../platform/base/errors.ts';

/** Nothing given: all models, all routes. An empty list: none. */
export interface Scopes {
  models?: readonly string[];
  routes?: readonly string[];
}

/** Throws ERR_SCOPE_ROUTE, ERR_SCOPE_MODEL. `operation` is our own name of a request: method and address. */
export function checkScopes(scopes: Scopes | undefined, asked: { operation: string; model?: string }): void {
  if (scopes === undefined) return;
  if (!mayUseRoute(scopes, asked.operation)) throw new RempartError('ERR_SCOPE_ROUTE');
  if (asked.model !== undefined && !mayUseModel(scopes, asked.model)) throw new RempartError('ERR_SCOPE_MODEL');
}

export function mayUseModel({ models }: Scopes, model: string): boolean {
  if (models === undefined) return true;
  const name = canonicalModel(model);
  return models.some((pattern) => matches(canonicalModel(pattern), name, false));
}

/** Whether a name is one of a pattern's, both in their canonical spelling. */
export function fitsModel(pattern: string, model: string): boolean {
  return matches(pattern, model, false);
}

export function mayUseRoute({ routes }: Scopes, operation: string): boolean {
  if (routes === undefined) return true;
  const space = operation.indexOf(' ');
  // What the chatbot asks inside the process came in at its own address, where it was looked at.
  if (space === -1) return true;
  const path = operation.slice(space + 1);
  return routes.some((pattern) => matches(pattern, pattern.includes(' ') ? operation : path, true));
}

/**
 * One spelling for what one server takes for one model: Ollama trims a name, finds it whatever the case and fills in
 * registry, namespace and tag. A pattern is a name with `*` in it.
 */
export function canonicalModel(name: string): string {
  let short = name.trim().toLowerCase();
  for (const filledIn of ['https://', 'http://', 'registry.ollama.ai/', 'library/'])
    if (short.startsWith(filledIn)) short = short.slice(filledIn.length);
  return short.endsWith(':latest') ? short.slice(0, -7) : short;
}

/** A model's name or an address, either with `*` for any text. */
export function isScope(text: string): boolean {
  return text.length <= 200 && /^[!-~]+( [!-~]+)?$/.test(text);
}

/** `*` is any text; in a model's name any without a slash, so that mistral-* is no way to mistral-x/other. No regular expression, so no pattern is slow. */
function matches(pattern: string, text: string, crossesSlashes: boolean): boolean {
  if (pattern === '*') return true;
  let p = 0;
  let t = 0;
  /** Where to go on after the last star when what follows it does not fit. */
  let star = -1;
  let from = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = ++p;
      from = t;
    } else if (pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star !== -1 && (crossesSlashes || text[from] !== '/')) {
      p = star;
      t = ++from;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
