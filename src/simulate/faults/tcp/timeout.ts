// Nothing goes on; after `timeout` ms of silence the connection closes, with 0 never.
import { createTimer, type ToxicKind } from './toxic.ts';

export const timeout: ToxicKind<{ timeout: number }> = {
  goName: 'TimeoutToxic',
  defaults: { timeout: 0 },
  start({ attributes, onward }) {
    const timer = createTimer(() => onward.end('close'));
    const arm = () => {
      if (attributes.timeout > 0) timer.set(attributes.timeout);
    };
    arm();
    return {
      write: arm,
      end(how) {
        timer.clear();
        onward.end(how);
      },
      release: timer.clear,
      // What was swallowed is missing: the stream cannot go on as if nothing had been.
      removed: () => onward.end('close'),
      stop: timer.clear,
      held: () => 0,
      maxHeld: 0,
    };
  },
};
