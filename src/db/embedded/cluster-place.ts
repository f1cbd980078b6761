/** Everything about a DATA_DIR that is settled before its server runs. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { StartupError } from '../../lib/startup-error.ts'
import { findBinaries, type PostgresBinaries } from './binaries.ts'
import { createCluster, giveTo, giveTreeTo, SETTINGS_FILE } from './create-cluster.ts'
import { chooseRunAs, type RunAs, runVersion } from './run-as.ts'
import { renderServerSettings } from './server-settings.ts'

export const USER = 'purser'
const MIB = 1024 * 1024
const FREE_TO_CREATE_MIB = 160
const FREE_TO_START_MIB = 32

export interface ClusterPlace {
  readonly dataDir: string
  readonly clusterDir: string
  readonly logFile: string
  readonly binaries: PostgresBinaries
  readonly runAs: RunAs
  /** of the programs, such as `18.4` */
  readonly version: string
  readonly durable: boolean
}

export function openDataDir(option: string): string {
  const path = resolve(option)
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return realpathSync(path)
  } catch (error) {
    throw new StartupError(`Cannot create DATA_DIR ${path}: ${(error as Error).message}.`)
  }
}

export function clusterDirOf(dataDir: string): string {
  return join(dataDir, 'postgres')
}

export function settlePlace(dataDir: string, durable: boolean): ClusterPlace {
  const clusterDir = clusterDirOf(dataDir)
  const binaries = findBinaries(join(dataDir, 'postgres-programs'))
  const runAs = chooseRunAs({ dataDir, clusterDir, binaries })
  const version = runVersion(runAs, binaries)
  requireSameMajor(clusterDir, version)
  const logFile = join(dataDir, 'postgres.log')
  return { dataDir, clusterDir, logFile, binaries, runAs, version, durable }
}

/** True when the cluster was made now. */
export async function ensureCluster(place: ClusterPlace): Promise<boolean> {
  if (existsSync(place.clusterDir)) {
    if (statSync(place.clusterDir).uid === 0) giveTreeTo(place.runAs, place.clusterDir)
    requireFreeSpace(place, FREE_TO_START_MIB)
    return false
  }
  requireFreeSpace(place, FREE_TO_CREATE_MIB)
  await createCluster({ ...place, user: USER })
  return true
}

/** Whether a running server has the settings that this Purser would give it. */
export function hasCurrentSettings(place: ClusterPlace): boolean {
  const file = join(place.clusterDir, SETTINGS_FILE)
  return existsSync(file) && readFileSync(file, 'utf8') === renderSettings(place)
}

export function writeSettings(place: ClusterPlace): void {
  const file = join(place.clusterDir, SETTINGS_FILE)
  writeFileSync(`${file}.new`, renderSettings(place), { mode: 0o600 })
  giveTo(place.runAs, `${file}.new`)
  renameSync(`${file}.new`, file)
}

function renderSettings(place: ClusterPlace): string {
  const limit = process.constrainedMemory()
  const memoryBytes = Math.min(totalmem(), limit > 0 ? limit : Number.POSITIVE_INFINITY)
  const disk = statfsSync(place.dataDir)
  return renderServerSettings({ memoryBytes, diskBytes: disk.blocks * disk.bsize }, place.durable)
}

function requireSameMajor(clusterDir: string, version: string): void {
  if (!existsSync(clusterDir)) return
  let cluster: string
  try {
    cluster = readFileSync(join(clusterDir, 'PG_VERSION'), 'utf8').trim()
  } catch {
    throw new StartupError(
      `${clusterDir} is not a PostgreSQL data directory: move it away, or set another DATA_DIR.`,
    )
  }
  if (cluster === version.split('.')[0]) return
  throw new StartupError(
    `${clusterDir} was written by PostgreSQL ${cluster} and this Purser brings ${version}: ` +
      'run "purser backup" with the Purser that wrote it, then "purser restore" with this one ' +
      'into another DATA_DIR.',
  )
}

function requireFreeSpace(place: ClusterPlace, neededMib: number): void {
  const disk = statfsSync(place.dataDir)
  const freeMib = Math.floor((disk.bavail * disk.bsize) / MIB)
  if (freeMib >= neededMib) return
  throw new StartupError(
    `The disk of DATA_DIR ${place.dataDir} is full: ${freeMib} MB free, PostgreSQL needs ` +
      `${neededMib} MB to start. Nothing was changed.`,
  )
}
