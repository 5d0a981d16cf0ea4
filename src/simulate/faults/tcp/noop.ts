// Changes nothing: the control of an experiment.
import type { ToxicKind } from './toxic.ts';

export const noop: ToxicKind<Record<never, number>> = {
  goName: 'NoopToxic',
  defaults: {},
  start: ({ onward }) => ({
    write: (chunk) => onward.write(chunk),
    end: (how) => onward.end(how),
    release: () => {},
    stop: () => {},
    held: () => 0,
    maxHeld: 0,
  }),
};
