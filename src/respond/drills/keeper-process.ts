// The keeper of a drill: a process of its own that clears the sandbox away once the one that runs the drill is gone.
import { clearSandbox } from './owned.ts';

const [, , dir = ''] = process.argv;
process.on('SIGINT', () => undefined); // Ctrl-C is the drill's to answer
process.on('SIGTERM', () => undefined);
process.stdin.on('end', () => clearSandbox(dir));
process.stdin.on('error', () => clearSandbox(dir));
process.stdin.resume();
