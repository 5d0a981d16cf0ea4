// A text with what was found in it replaced by a mark.

export interface Span {
  start: number;
  end: number;
}

/** `label` says what stands for a hit; hits may come in any order, and where they overlap one mark stands for all. */
export function mask<T extends Span>(
  text: string,
  hits: readonly T[],
  label: (hit: T) => string = () => '[masked]',
): string {
  const inOrder = [...hits].sort((a, b) => a.start - b.start || b.end - a.end);
  let masked = '';
  let from = 0;
  for (const hit of inOrder) {
    if (hit.start >= from) masked += text.slice(from, hit.start) + label(hit);
    from = Math.max(from, hit.end);
  }
  return masked + text.slice(from);
}
