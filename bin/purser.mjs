#!/usr/bin/env node
// Plain JavaScript that any Node can read: it finds a Node that runs TypeScript, then Purser.
import { spawn, spawnSync } from 'node:child_process'
import nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24
// Ctrl-C reaches the whole terminal group, this process and the real one. It is left to the
// real one, whose exit ends this process; other signals come to this process alone and go on.
const FORWARDED_SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']

function majorOf(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10)
}

/** The Node that npm installed beside Purser, when it is new enough and runs on this machine. */
function findInstalledNode() {
  const path = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
  const asked = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return asked.status === 0 && majorOf(asked.stdout) >= NODE_MAJOR_MIN ? path : undefined
}

function runWith(node) {
  const script = fileURLToPath(import.meta.url)
  const child = spawn(node, [script, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY && !process.stderr.isTTY) child.kill('SIGINT')
  })
  for (const signal of FORWARDED_SIGNALS) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const name of ['SIGINT', ...FORWARDED_SIGNALS]) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

if (majorOf(process.versions.node) >= NODE_MAJOR_MIN) {
  // What was read as TypeScript once need not be read so again: a start takes half the time.
  nodeModule.enableCompileCache()
  const { main } = await import('../src/cli.ts')
  await main(process.argv.slice(2))
} else {
  const node = findInstalledNode()
  if (node) {
    runWith(node)
  } else {
    console.error(
      `Purser needs Node ${NODE_MAJOR_MIN} or newer and this is ${process.versions.node}: ` +
        'run "npm ci" without omitting optional dependencies, which brings one.',
    )
    process.exit(1)
  }
}
