// The order of files in a folder or an archive, and the files that systems leave beside them.

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' });

/** `conversations-2` before `conversations-10`; pages last, since they show again what the data beside them holds. */
export function inNaturalOrder(names: readonly string[]): string[] {
  const page = (name: string) => (/\.html?$/i.test(name) ? 1 : 0);
  return [...names].sort((a, b) => page(a) - page(b) || collator.compare(a, b) || (a < b ? -1 : 1));
}

export function isSideFile(name: string): boolean {
  return /(?:^|\/)(?:__MACOSX(?:\/|$)|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/.test(name);
}
