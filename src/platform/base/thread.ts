// Where a worker thread's module lies: .ts in a checkout, .js in the published build.

/** The URL of the module `name` beside the caller's, with the caller's own ending. */
export function threadUrl(name: string, beside: string): URL {
  return new URL(`./${name}${beside.endsWith('.ts') ? '.ts' : '.js'}`, beside);
}
