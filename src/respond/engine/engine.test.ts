// The engine on both stores, killed at some of its boundaries; `npm run torture` kills it at each.
import { testOnBothStores } from './both-stores.ts';

testOnBothStores(12);
