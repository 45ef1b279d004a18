// SPDX-License-Identifier: Apache-2.0

// The action's entry, for both of its phases. It starts the program that lies
// beside it, as `login` and after the job as `logout`, and knows nothing else:
// an input is the variable of the flag with its name.
'use strict';

const { spawn } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

// say writes a workflow command, which the runner shows on the job's page.
function say(command, text) {
  const escaped = text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
  console.log(`::${command} title=quay-keyless::${escaped}`);
}

// environment adds QUAY_TLS_VERIFY for INPUT_TLS-VERIFY, and so on; what the
// main phase saved counts more than an input.
function environment() {
  const env = { ...process.env };
  for (const prefix of ['INPUT_', 'STATE_']) {
    for (const [name, value] of Object.entries(process.env)) {
      if (name.startsWith(prefix) && value.trim() !== '') {
        env[`QUAY_${name.slice(prefix.length).replaceAll('-', '_').toUpperCase()}`] = value;
      }
    }
  }
  return env;
}

// bundled gives the path of the program in this ref, once its checksum is right.
function bundled() {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const cpu = { x64: 'amd64', ppc64: 'ppc64le' }[process.arch] ?? process.arch;
  const name = `quay-keyless-${system}-${cpu}${system === 'windows' ? '.exe' : ''}`;
  const bin = path.join(__dirname, 'bin');
  const list = path.join(bin, 'checksums.txt');
  if (!fs.existsSync(list)) {
    throw new Error('this ref of the action carries no binaries: use a release tag such as '
      + `${process.env.GITHUB_ACTION_REPOSITORY || 'OWNER/quay-keyless'}@v1, or the commit that it points to`);
  }
  const lines = fs.readFileSync(list, 'utf8').split(/\r?\n/).map((line) => line.split(/ [ *]/));
  const expected = lines.find(([, file]) => file === name)?.[0];
  if (!expected) {
    throw new Error(`this release has no binary for ${system}-${cpu}`);
  }
  const actual = createHash('sha256').update(fs.readFileSync(path.join(bin, name))).digest('hex');
  if (actual !== expected) {
    throw new Error(`${name} is not the released one and was not run: its SHA-256 is ${actual}, checksums.txt has ${expected}`);
  }
  return path.join(bin, name);
}

// run starts the program and gives its exit code. The runner cancels a job by a
// signal to this process alone, so it is passed on; on Windows the console
// sends it to both.
function run(program, command) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [command], { stdio: 'inherit', env: environment() });
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.on(signal, () => process.platform === 'win32' || child.kill(signal));
    }
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + os.constants.signals[signal]));
  });
}

async function login() {
  // First of all, so that the post phase knows itself whatever happens here.
  if (process.env.GITHUB_STATE) {
    fs.appendFileSync(process.env.GITHUB_STATE, `phase=post${os.EOL}`);
  }
  const other = process.env.QUAY_KEYLESS_BINARY;
  if (other) {
    say('notice', `runs ${other}, which QUAY_KEYLESS_BINARY names, unchecked`);
  }
  process.exitCode = await run(other || bundled(), 'login');
}

async function logout() {
  // The program saves the auth file's path once it has logged in.
  if (!process.env.STATE_authfile || /^(0|f|false)$/i.test((environment().QUAY_LOGOUT ?? '').trim())) {
    return;
  }
  // Its exit code is not ours: a job that succeeded stays so. It says why itself.
  await run(process.env.QUAY_KEYLESS_BINARY || bundled(), 'logout');
}

if (process.env.STATE_phase === 'post') {
  logout().catch((error) => say('warning', error.message));
} else {
  login().catch((error) => {
    say('error', error.message);
    process.exitCode = 1;
  });
}
