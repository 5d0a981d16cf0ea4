// A tree of messages: the thread that was visible last, then the branches that it left, each beginning where it forks.

export interface TreeNode {
  parent: string | null;
  children: readonly string[];
}

export interface Walked {
  id: string;
  branch: string;
}

/**
 * Every node once: those from the root to `current` as `main`, the others by branch. Follows `parent` from the leaf, as
 * the page does; bears cycles, missing parents and nodes that nothing reaches.
 */
export function walkTree(nodes: ReadonlyMap<string, TreeNode>, current: string | null): Walked[] {
  const seen = new Set<string>();
  const leaf = current !== null && nodes.has(current) ? current : newestLeaf(nodes);
  const main: string[] = [];
  for (
    let id: string | null = leaf;
    id !== null && nodes.has(id) && !seen.has(id);
    id = nodes.get(id)?.parent ?? null
  ) {
    seen.add(id);
    main.push(id);
  }
  const walked: Walked[] = main.reverse().map((id) => ({ id, branch: 'main' }));
  let branches = 0;
  const follow = (start: string) => {
    // A branch runs along its last child; the other children begin branches of their own.
    const starts = [start];
    for (let from = starts.pop(); from !== undefined; from = starts.pop()) {
      if (seen.has(from)) continue;
      const branch = `branch-${++branches}`;
      for (let id: string | undefined = from; id !== undefined; ) {
        seen.add(id);
        walked.push({ id, branch });
        const next: string[] = (nodes.get(id)?.children ?? []).filter((child) => nodes.has(child) && !seen.has(child));
        starts.push(...next.slice(0, -1).reverse());
        id = next.at(-1);
      }
    }
  };
  for (const id of main) for (const child of nodes.get(id)?.children ?? []) if (nodes.has(child)) follow(child);
  // What hangs on nothing: first those without a living parent, then what only cycles reach.
  for (const [id, node] of nodes) if (node.parent === null || !nodes.has(node.parent)) follow(id);
  for (const id of nodes.keys()) follow(id);
  return walked;
}

/** Old exports name no current node: the newest child at each step, from the first root. */
function newestLeaf(nodes: ReadonlyMap<string, TreeNode>): string | null {
  const roots = [...nodes].filter(([, node]) => node.parent === null || !nodes.has(node.parent)).map(([id]) => id);
  const begins = roots.find((id) => (nodes.get(id)?.children.length ?? 0) > 0) ?? roots[0] ?? nodes.keys().next().value;
  const seen = new Set<string>();
  let at: string | null = begins ?? null;
  while (at !== null && !seen.has(at)) {
    seen.add(at);
    const next: string | undefined = (nodes.get(at)?.children ?? [])
      .filter((id) => nodes.has(id) && !seen.has(id))
      .at(-1);
    if (next === undefined) return at;
    at = next;
  }
  return at;
}
