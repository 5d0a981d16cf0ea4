// Where a worker thread's module lies: .ts in a checkout, .js in the published build.

/** The URL of the module `name` beside the caller's, with the caller's own ending. */
export function threadUrl(name: string, beside: string): URL {
  return new URL(`./${name}${beside.endsWith('.ts') ? '.ts' : '.js'}`, beside);
}

/** For a thread that handles little at a time: left to itself, each lets 60 MB of short-lived values pile up before it looks. */
export const smallThread = { maxYoungGenerationSizeMb: 8 } as const;
