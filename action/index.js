// SPDX-License-Identifier: Apache-2.0

// The action's main phase, and what post.js needs of it. It starts the program
// that lies beside it and knows no input by name: each is the variable of the
// flag with that name.
'use strict';

const { spawn } = require('node:child_process');
const { hash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

// say writes a workflow command, which the runner shows on the job's page.
function say(command, text) {
  console.log(`::${command} title=quay-keyless::${text.replace(/[%\r\n]/g, encodeURIComponent)}`);
}

// environment adds QUAY_TLS_VERIFY for INPUT_TLS-VERIFY, and so on; what the
// program saved for the post phase counts more than an input.
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

// bundled gives the path of this ref's program, once its checksum is right.
function bundled() {
  const windows = process.platform === 'win32';
  const cpu = process.arch === 'x64' ? 'amd64' : process.arch;
  // Windows on Arm runs programs for amd64.
  const name = windows ? 'quay-keyless-windows-amd64.exe' : `quay-keyless-${process.platform}-${cpu}`;
  const program = path.join(__dirname, 'bin', name);
  const list = path.join(__dirname, 'bin', 'checksums.txt');
  if (!fs.existsSync(list)) {
    const repository = process.env.GITHUB_ACTION_REPOSITORY || 'OWNER/quay-keyless';
    throw new Error(`this ref of the action carries no program: use a release tag such as ${repository}@v1, or its commit`);
  }
  const lines = fs.readFileSync(list, 'utf8').split('\n').map((line) => line.split('  '));
  const expected = lines.find(([, file]) => file === name)?.[0];
  if (!expected) {
    throw new Error(`the action comes without a ${name}: download or build that program, and give its path in QUAY_KEYLESS_BINARY`);
  }
  const actual = hash('sha256', fs.readFileSync(program));
  if (actual !== expected) {
    throw new Error(`${name} is not the released one and was not run: its SHA-256 is ${actual}, checksums.txt has ${expected}`);
  }
  return program;
}

// run starts the program with a command and returns its exit code. In both phases
// it says when the program is not the released one. A killed program prints no
// error, so run throws one. The runner cancels a job with a signal to this process
// alone, so it is passed on; on Windows the console sends it to both.
async function run(command) {
  let child;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => process.platform === 'win32' || child?.kill(signal));
  }
  const other = process.env.QUAY_KEYLESS_BINARY;
  if (other) {
    say('notice', `runs ${other} without a checksum: QUAY_KEYLESS_BINARY names it`);
  }
  child = spawn(other || bundled(), [command], { stdio: 'inherit', env: environment() });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('exit', (code, signal) => (signal ? reject(new Error(`the program was ended by ${signal}`)) : resolve(code)));
  });
}

module.exports = { environment, run, say };

if (require.main === module) {
  run('login').catch((error) => say('error', error.message) ?? 1).then((code) => { process.exitCode = code; });
}
