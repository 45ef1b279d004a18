// SPDX-License-Identifier: Apache-2.0

// The action's post phase. It is a file of its own, since a main phase that was
// killed at once has left no state to tell the phases apart by: the job's end
// would log in.
'use strict';

const { environment, run, say } = require('./index.js');

// The program saves the auth file's path before it writes a login. Its exit
// code is not the job's: one that succeeded stays so. It says why itself.
if (process.env.STATE_authfile && !/^\s*(0|f|false)\s*$/i.test(environment().QUAY_LOGOUT)) {
  run('logout').catch((error) => say('warning', error.message));
}
