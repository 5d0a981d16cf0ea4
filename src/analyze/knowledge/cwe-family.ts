// Weakness classes that mean the same mistake seen closer or from further off, as when two versions of one snippet are compared.

const families: readonly (readonly number[])[] = [
  [89, 564],
  [77, 78, 88],
  [94, 95, 96, 98, 470, 1336],
  [22, 23, 29, 35, 36, 73, 99],
  [79, 80, 81, 83, 84, 85, 87, 116],
  [90, 643],
  [93, 113, 117],
  [326, 327, 328, 759, 760, 780, 916],
  [256, 257, 522],
  [259, 321, 798],
  [295, 296, 297],
  [330, 331, 335, 337, 338, 340],
  [345, 347],
  [384, 613],
  [203, 204],
  [284, 285, 639, 862, 863],
  [287, 306],
  [250, 269],
  [614, 1004, 1275],
  [611, 776],
  [209, 215, 489],
  [400, 770, 789],
  [668, 1327],
  [1104, 1395],
  [829, 1357],
  [276, 732],
  [377, 379],
  [119, 120, 121, 122, 125, 787],
  [942, 346],
  [319, 523],
];
const familyByClass = new Map<string, string>(
  families.flatMap(([first, ...others]) => [first, ...others].map((one) => [`CWE-${one}`, `CWE-${first}`] as const)),
);

/** The name of the class that stands for the family; a class of its own stands for itself. */
export function familyOf(cwe: string): string {
  return familyByClass.get(cwe) ?? cwe;
}

/** By the most exact class of each, which stands first. */
export function sharesFamily(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [one[0], other[0]];
  return a !== undefined && b !== undefined && familyOf(a) === familyOf(b);
}
