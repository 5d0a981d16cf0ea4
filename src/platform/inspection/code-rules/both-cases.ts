// `(?i:…)` in a rule, written out as classes of both cases.
//
// Not left to the engine: under Node 24.21 patterns with such a group now and then stopped matching for a while, in one
// thread and not in another, so that one export gave different findings from run to run. With classes it never came again.

const piece =
  /\(\?i:|\(\?(?:[:=!]|<[=!]|<\w+>)|\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|[\s\S]/g;

/** The same pattern without `(?i:…)`. Covers what rules use: letters, classes with ranges of letters, groups within. */
export function bothCases(source: string): string {
  if (!source.includes('(?i:')) return source;
  /** Of each open group, whether letters in it stand for both cases. */
  const groups: boolean[] = [];
  return source.replace(piece, (part) => {
    const either = groups.at(-1) === true;
    if (part === '(?i:') {
      groups.push(true);
      return '(?:';
    }
    if (part.startsWith('(')) groups.push(either);
    else if (part === ')') groups.pop();
    else if (either && part.startsWith('[')) return classOfBoth(part);
    else if (either && part.length === 1 && other(part) !== part) return `[${part}${other(part)}]`;
    return part;
  });
}

/** Adds to a class the other case of what is in it; a range is one of letters of one case, or holds none or all. */
function classOfBoth(whole: string): string {
  const more: string[] = [];
  for (const [, escaped, from = '', to] of whole.slice(1, -1).matchAll(/(\\[\s\S])|([^\\])(?:-([^\]\\]))?/g)) {
    if (escaped !== undefined) continue;
    if (to === undefined) {
      if (other(from) !== from) more.push(other(from));
    } else if (/^(?:[a-z][a-z]|[A-Z][A-Z])$/.test(from + to)) more.push(`${other(from)}-${other(to)}`);
  }
  return `${whole.slice(0, -1)}${more.filter((one) => !whole.includes(one)).join('')}]`;
}

function other(letter: string): string {
  const upper = letter.toUpperCase();
  const changed = upper === letter ? letter.toLowerCase() : upper;
  return changed.length === 1 ? changed : letter;
}
