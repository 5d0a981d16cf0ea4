// The anchors that GitHub gives to headings, so that the links of a table of contents work.

/** Names anchors in the order of the headings: small letters, no punctuation, `-1`, `-2` … after one that is taken. */
export function createSlugs(): (heading: string) => string {
  const taken = new Map<string, number>();
  return (heading) => {
    const plain = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    let slug = plain;
    while (taken.has(slug)) {
      const again = (taken.get(plain) ?? 0) + 1;
      taken.set(plain, again);
      slug = `${plain}-${again}`;
    }
    taken.set(slug, 0);
    return slug;
  };
}
