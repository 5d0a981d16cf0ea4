// `timeout` ms after the first bytes, or after the end, the connection is reset (RST) on both sides; nothing goes on.
import { createTimer, type ToxicKind } from './toxic.ts';

export const resetPeer: ToxicKind<{ timeout: number }> = {
  goName: 'ResetToxic',
  defaults: { timeout: 0 },
  start({ attributes, onward }) {
    const timer = createTimer(() => onward.end('reset'));
    let swallowed = false;
    const arm = () => {
      swallowed = true;
      if (!timer.isSet) timer.set(attributes.timeout);
    };
    return {
      write: arm,
      end: arm,
      release: timer.clear,
      removed: () => {
        if (swallowed) onward.end('reset');
      },
      stop: timer.clear,
      held: () => 0,
      maxHeld: 0,
    };
  },
};
