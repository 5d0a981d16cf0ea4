// Labels of code in languages that no rule knows: their blocks are searched for secrets alone, which is to be said.

const names: Readonly<Record<string, readonly string[]>> = {
  clojure: ['clojure', 'clj', 'cljs'],
  dart: ['dart'],
  elixir: ['elixir', 'ex', 'exs'],
  erlang: ['erlang', 'erl'],
  'f#': ['f#', 'fsharp', 'fs'],
  groovy: ['groovy', 'gradle', 'jenkinsfile'],
  haskell: ['haskell', 'hs'],
  julia: ['julia', 'jl'],
  kotlin: ['kotlin', 'kt', 'kts'],
  lua: ['lua'],
  matlab: ['matlab'],
  nginx: ['nginx'],
  'objective-c': ['objectivec', 'objective-c', 'objc++'],
  perl: ['perl', 'pl'],
  powershell: ['powershell', 'pwsh', 'ps1', 'ps'],
  r: ['r', 'rlang'],
  rust: ['rust', 'rs'],
  scala: ['scala'],
  solidity: ['solidity', 'sol'],
  swift: ['swift'],
  terraform: ['terraform', 'tf', 'hcl'],
  'visual basic': ['vb', 'vba', 'vbnet', 'vb.net', 'visualbasic'],
  zig: ['zig'],
};
const byLabel = new Map(
  Object.entries(names).flatMap(([name, labels]) => labels.map((label) => [label, name] as const)),
);

/** The language that a fence's label or a file's ending names, where its code can be weak and no rule would see it. */
export function languageWithoutRules(label: string): string | null {
  return byLabel.get(/^[^\s,:{}]*/.exec(label.trim().toLowerCase())?.[0] ?? '') ?? null;
}
