/**
 * The data directory of a new server. It is made beside its final place and renamed into it when
 * all of it is on disk, so that a start that was interrupted leaves nothing half made.
 */
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyBinaries, isShellSafe, type PostgresBinaries } from './binaries.ts'
import { chooseInitdbRunAs, type RunAs, spawnAs } from './run-as.ts'
import { findFailure } from './server-log.ts'

export const SETTINGS_FILE = 'purser.conf'
const STAGING_PREFIX = 'postgres.new-'
const OUTPUT_BYTES_MAX = 64 * 1024

export interface ClusterPlan {
  readonly dataDir: string
  readonly clusterDir: string
  readonly binaries: PostgresBinaries
  readonly runAs: RunAs
  readonly user: string
  readonly durable: boolean
}

/** Throws an Error whose message is initdb's reason. */
export async function createCluster(plan: ClusterPlan): Promise<void> {
  removeStaging(plan.dataDir)
  const staging = join(plan.dataDir, STAGING_PREFIX + randomBytes(4).toString('hex'))
  const cluster = join(staging, 'data')
  const passwordFile = join(staging, 'password')
  try {
    mkdirSync(staging, { mode: 0o700 })
    writeFileSync(passwordFile, `${ensurePassword(plan.dataDir)}\n`, { mode: 0o600 })
    giveTo(plan.runAs, staging, passwordFile)
    await runInitdb(plan, cluster, passwordFile)
    const settings = join(cluster, 'postgresql.conf')
    appendFileSync(settings, `\ninclude '${SETTINGS_FILE}'\n`)
    if (plan.durable) {
      fsyncPath(settings)
      fsyncPath(cluster)
    }
    renameSync(cluster, plan.clusterDir)
    if (plan.durable) fsyncPath(plan.dataDir)
  } finally {
    // Also what the initdb of a killed Purser has still written since the beginning.
    removeStaging(plan.dataDir)
  }
}

function removeStaging(dataDir: string): void {
  for (const name of readdirSync(dataDir)) {
    if (!name.startsWith(STAGING_PREFIX)) continue
    const folder = join(dataDir, name)
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  }
}

export function passwordFileOf(dataDir: string): string {
  return join(dataDir, 'postgres-password')
}

/** Hands files to the user the server runs as, where that is not the one running Purser. */
export function giveTo(runAs: RunAs, ...paths: string[]): void {
  if (!runAs.owner) return
  for (const path of paths) chownSync(path, runAs.owner.uid, runAs.owner.gid)
}

/** Hands a whole cluster over: it was made by root in a namespace that this start cannot have. */
export function giveTreeTo(runAs: RunAs, directory: string): void {
  if (!runAs.owner) return
  const { uid, gid } = runAs.owner
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(directory, name), uid, gid)
  }
  chownSync(directory, uid, gid)
}

/** On disk before the cluster that has it: a cluster never waits for a password nobody knows. */
function ensurePassword(dataDir: string): string {
  const file = passwordFileOf(dataDir)
  if (existsSync(file)) {
    const known = readFileSync(file, 'utf8').trim()
    if (known !== '') return known
  }
  const password = randomBytes(24).toString('base64url')
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  fsyncPath(file)
  return password
}

async function runInitdb(plan: ClusterPlan, cluster: string, passwordFile: string): Promise<void> {
  if (isShellSafe(plan.binaries)) return await initdb(plan, plan.binaries, cluster, passwordFile)
  const copy = mkdtempSync(join(tmpdir(), 'purser-initdb-'))
  try {
    chmodSync(copy, 0o755)
    await initdb(plan, copyBinaries(plan.binaries.root, join(copy, 'pg')), cluster, passwordFile)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function initdb(
  plan: ClusterPlan,
  binaries: PostgresBinaries,
  cluster: string,
  passwordFile: string,
): Promise<void> {
  const command = [
    binaries.initdb,
    `--pgdata=${cluster}`,
    `--username=${plan.user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    // One call for the file system instead of one for each of a thousand files.
    plan.durable ? '--sync-method=syncfs' : '--no-sync',
  ]
  return new Promise((resolve, reject) => {
    const child = spawnAs(chooseInitdbRunAs(plan.runAs), command, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-OUTPUT_BYTES_MAX)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(findFailure(said) ?? `initdb ended with code ${code}`))
    })
  })
}

function fsyncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
