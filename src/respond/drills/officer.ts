// The drill officer: answers what a playbook asks of people, as somebody other than the one who asks, and only as far as the drill has come.
import type { Task, Tasks } from '../engine/durable.ts';

export const officer = 'drill-officer';

export interface Officer {
  /** From now on everything is answered, not only what must be allowed before containment. */
  goOn(): void;
  answered(): number;
  close(): void;
}

export interface OfficerParts {
  tasks: Tasks;
  /** The runs of the drill's incident. */
  runs(): Promise<readonly { id: string }[]>;
  /** What a person does with their hands before they say that it is done. */
  byHand: (step: string) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Work by hand that is done at once. */
  first: readonly string[];
  /** What went wrong while answering. */
  failed: (error: unknown) => void;
}

const everyMs = 100;

export function startOfficer({ tasks, runs, byHand, first, failed }: OfficerParts): Officer {
  let onlyApprovals = true;
  let answered = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function answer(task: Task): Promise<void> {
    const values = task.kind === 'manual' ? await byHand(task.step) : undefined;
    await tasks.decide(task.id, {
      by: officer,
      grant: true,
      ...(values === undefined ? {} : { values }),
      ...(task.kind === 'approval' ? { planHash: task.planHash } : {}),
    });
    answered++;
  }

  async function look(): Promise<void> {
    try {
      for (const { id } of await runs())
        for (const task of await tasks.list({ run: id, state: 'open' }))
          if (task.kind === 'approval' || !onlyApprovals || first.includes(task.step)) await answer(task);
    } catch (error) {
      // Decided or expired meanwhile, or the database is away because the drill took it away: looked at again.
      failed(error);
    }
    if (!closed) timer = setTimeout(() => void look(), everyMs);
  }

  timer = setTimeout(() => void look(), 0);
  return {
    goOn() {
      onlyApprovals = false;
    },
    answered: () => answered,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
