// What the drill officer answers to the work by hand that many playbooks ask for: what a look at the sandbox shows.
import type { Sandbox } from './drill.ts';

type Values = Readonly<Record<string, string>>;
const answers: Readonly<Record<string, (sandbox: Sandbox) => Promise<Values | undefined>>> = {
  'By hand: Check health': async ({ containers }) => {
    const answering = await Promise.all(containers.names.map((name) => containers.answers(name)));
    return { __healthy__: String(answering.every((ok) => ok)) };
  },
  'By hand: Go through the checklist': async () => ({ __checked__: 'true' }),
  'By hand: Verify the source': async () => ({ __clean__: 'true' }),
  'By hand: Rebuild the images': async ({ containers }) => {
    await containers.rebuild();
    return undefined;
  },
};

export async function usualAnswer(sandbox: Sandbox, step: string): Promise<Values | undefined> {
  return answers[step]?.(sandbox);
}
