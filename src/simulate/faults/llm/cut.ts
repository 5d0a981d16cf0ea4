// The answer breaks off: between two frames, inside one, inside a UTF-8 character, or just before the terminator.
import { type AnswerEdit, countUpTo, half, type Position, type Step } from './answer-edit.ts';
import type { Frame } from './frames.ts';

export interface CutFault extends Position {
  where: 'between' | 'frame' | 'character' | 'terminator';
  how: 'close' | 'reset';
}

export function cutAnswer(fault: CutFault): AnswerEdit {
  const position = countUpTo(fault);
  const cut: Step = { cut: fault.how };
  let done = false;
  const cutting = (steps: Step[]): Step[] => {
    done = true;
    return [...steps, cut];
  };
  return {
    keepsLength: true,
    frame(frame) {
      if (fault.where === 'terminator') return frame.isTerminator ? cutting([]) : [{ send: frame.bytes }];
      const due = position.reached();
      position.count(frame);
      if (due && fault.where !== 'between') return cutting([{ send: beginning(frame, fault.where) }]);
      if (fault.where !== 'between') return [{ send: frame.bytes }];
      if (due) return cutting([]);
      return position.reached() ? cutting([{ send: frame.bytes }]) : [{ send: frame.bytes }];
    },
    // Fewer frames than asked for: it ends without its proper end all the same.
    end: () => cutting([]),
    body: (body) => cutting([{ send: body.subarray(0, fault.where === 'character' ? inCharacter(body) : half(body)) }]),
    touched: () => done,
  };
}

/** Enough bytes to be seen, too few to be understood. */
const bytesOfFrame = 7;

function beginning({ bytes }: Frame, where: 'frame' | 'character'): Buffer {
  if (where === 'frame') return bytes.subarray(0, Math.min(bytes.length - 1, bytesOfFrame));
  const at = multibyte(bytes);
  if (at !== -1) return bytes.subarray(0, at + 1);
  // No such character in it, as when the provider escapes them: the first two of the three bytes of "…" take its place.
  const text = /"(?:content|text|response|delta)":\s*"/.exec(bytes.toString('latin1'));
  const inText = text === null ? bytes.length >> 1 : text.index + text[0].length;
  return Buffer.concat([bytes.subarray(0, inText), Buffer.from([0xe2, 0x80])]);
}

function inCharacter(body: Buffer): number {
  const at = multibyte(body);
  return at === -1 ? half(body) : at + 1;
}

/** Where the first character of more than one byte begins. */
function multibyte(bytes: Buffer): number {
  return bytes.findIndex((byte) => byte >= 0xc2);
}
