// Whether something that is run inside a container has more rights than the container: asked of the engine.
import { z } from 'zod';
import { type EngineAt, openTransport } from '../../platform/containers/engine-transport.ts';

export interface Execution {
  id: string;
  privileged: boolean;
  user: string;
}

export interface EngineExecutions {
  /** Undefined for one that is over and forgotten. */
  find(id: string, signal: AbortSignal): Promise<Execution | undefined>;
  close(): Promise<void>;
}

const shown = z.looseObject({
  ProcessConfig: z.looseObject({ privileged: z.boolean().nullish(), user: z.string().nullish() }).nullish(),
});

export function engineExecutions(at: EngineAt): EngineExecutions {
  const transport = openTransport(at);
  return {
    async find(id, signal) {
      try {
        const { bytes } = await transport.ask({ method: 'GET', path: ['exec', id, 'json'], signal });
        const { ProcessConfig } = shown.parse(JSON.parse(bytes.toString('utf8')));
        return { id, privileged: ProcessConfig?.privileged === true, user: ProcessConfig?.user ?? '' };
      } catch {
        return undefined;
      }
    },
    close: () => transport.close(),
  };
}
