// Drill: somebody starts a privileged process in a container; the container and the process must be gone, and its port closed.
import type { Drill } from '../drill.ts';
import { allAnswer, contactsTold, portsClosed, processGone } from '../looks.ts';

const broken = 'drill-core';

export const containerEscape: Drill = {
  type: 'container-escape',
  wantsContainers: true,
  cause: 'drill.cause.container-escape',
  subject: () => broken,
  begin(sandbox) {
    const { containers } = sandbox;
    let first: number | null = null;
    let intruder: number | null = null;
    return {
      async before() {
        first = await containers.pid(broken);
        return [await allAnswer(sandbox)];
      },
      async cause() {
        intruder = await containers.breakIn(broken);
      },
      contained: async ({ id }) => [
        processGone('intruder-gone', intruder),
        processGone('container-gone', first),
        await portsClosed(sandbox, [broken]),
        contactsTold(sandbox, id),
      ],
      async restored() {
        const pid = await containers.pid(broken);
        return [
          await allAnswer(sandbox),
          { name: 'another-process', ok: pid !== null && pid !== first, facts: { pid: pid ?? 0 } },
        ];
      },
      undone: async () => [await allAnswer(sandbox, 'services-answer-again')],
    };
  },
};
