// What this bot shall do wrong: the names in DEFECT, separated by commas; none, and it does everything right.
const names = new Set((process.env.DEFECT ?? '').split(',').filter((name) => name !== ''));

export const defect = (name) => names.has(name);
