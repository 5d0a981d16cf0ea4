// Which weaknesses go by the same title: rules of several languages find the same mistake.

export function sharedTitles(listed: readonly { title: string }[]): (title: string) => boolean {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { title } of listed) {
    if (seen.has(title)) shared.add(title);
    seen.add(title);
  }
  return (title) => shared.has(title);
}
