// The security domain that a weakness class belongs to.
import type { Domain } from '../../platform/documents/analysis.ts';

const classes: Readonly<Record<Domain, readonly number[]>> = {
  authentication: [
    203, 204, 256, 257, 284, 285, 287, 288, 290, 294, 304, 305, 306, 307, 308, 521, 522, 549, 620, 639, 640, 862, 863,
  ],
  injection: [
    20, 22, 23, 36, 59, 73, 74, 77, 78, 88, 89, 90, 91, 93, 94, 95, 96, 98, 99, 113, 117, 134, 434, 470, 502, 564, 611,
    624, 641, 643, 776, 913, 915, 917, 943, 1236, 1321, 1333, 1336, 1427,
  ],
  xss: [79, 80, 81, 83, 84, 85, 87, 116, 1021, 1022],
  csrf: [352, 1275],
  cryptography: [
    208, 261, 310, 311, 321, 322, 323, 324, 325, 326, 327, 328, 329, 330, 331, 335, 337, 338, 340, 345, 347, 353, 354,
    385, 757, 759, 760, 780, 916, 1204, 1240, 1241,
  ],
  secrets: [259, 260, 312, 313, 315, 318, 526, 532, 538, 540, 615, 798],
  session: [384, 488, 539, 565, 613, 614, 1004],
  api: [16, 200, 201, 209, 215, 346, 425, 441, 444, 489, 497, 525, 548, 601, 693, 799, 918, 942, 1188],
  containers: [250, 266, 269, 272, 276, 277, 278, 279, 552, 653, 732],
  network: [295, 296, 297, 300, 319, 350, 406, 419, 420, 605, 668, 923, 1327],
  resources: [
    119, 120, 121, 122, 125, 126, 127, 129, 131, 170, 190, 191, 193, 362, 367, 369, 377, 378, 379, 400, 401, 404, 407,
    409, 415, 416, 457, 459, 476, 665, 674, 676, 680, 690, 703, 770, 772, 787, 789, 805, 824, 835, 843,
  ],
  compliance: [223, 359, 494, 506, 778, 779, 829, 937, 1035, 1104, 1357, 1395],
};
const domainByClass = new Map<string, Domain>(
  Object.entries(classes).flatMap(([domain, numbers]) =>
    numbers.map((number) => [`CWE-${number}`, domain as Domain] as const),
  ),
);

/** By the first class that is known; null when none is. */
export function domainOf(cwe: readonly string[]): Domain | null {
  for (const one of cwe) {
    const domain = domainByClass.get(one);
    if (domain !== undefined) return domain;
  }
  return null;
}
