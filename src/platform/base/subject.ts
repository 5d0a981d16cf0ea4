// What may be the name of a key's holder: text that stays on its line and shows as it is, wherever it is printed.

/** No control, format (bidirectional ones among them), private or unassigned character, no line or paragraph separator, no half of a pair. */
const pattern = /^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u;

export function isSubject(name: string): boolean {
  return pattern.test(name) && name.trim() === name;
}

/** For names from before they were checked. */
export function printable(name: string): string {
  return name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
}
