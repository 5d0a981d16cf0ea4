// What this bot shall do wrong (DEFECT) and what shape it has (SHAPE): names separated by commas; no defect, and it does everything right.
const namesOf = (text = '') => new Set(text.split(',').filter((name) => name !== ''));
const defects = namesOf(process.env.DEFECT);
const shapes = namesOf(process.env.SHAPE);

export const defect = (name) => defects.has(name);
/** english, stream (answers as server-sent events), errors (503 with an error object), text-health, newest-first (history). */
export const shape = (name) => shapes.has(name);
