// Some boundaries here, all of them in `npm run torture`.
import { testResponderCrashes } from './responder-crash.ts';

testResponderCrashes(13, 4);
