// Data passes; the end of the stream comes `delay` ms late.
import { createTimer, type Ending, type ToxicKind } from './toxic.ts';

export const slowClose: ToxicKind<{ delay: number }> = {
  goName: 'SlowCloseToxic',
  defaults: { delay: 0 },
  start({ attributes, onward }) {
    let ending: Ending | null = null;
    const timer = createTimer(finish);
    function finish(): void {
      timer.clear();
      if (ending === null) return;
      const how = ending;
      ending = null;
      onward.end(how);
    }
    return {
      write: (chunk) => onward.write(chunk),
      end(how) {
        ending = how;
        timer.set(attributes.delay);
      },
      release: finish,
      stop: timer.clear,
      held: () => 0,
      maxHeld: 0,
    };
  },
};
