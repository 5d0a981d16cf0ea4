// The responder killed at every boundary between a detection and the end of its playbook.
import { testResponderCrashes } from '../../src/respond/responder-crash.ts';

testResponderCrashes(1);
