/** `node --import ./busbar-sdk/testing/register.js --test`: the bus's imports are answered by the test host. */

import { register } from 'node:module';

register('./resolve.js', import.meta.url);
