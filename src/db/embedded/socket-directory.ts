/**
 * Where clients reach the server: a Unix socket in a directory of our own. The system limits a
 * socket's path to about 107 bytes, some file systems have no sockets, and a directory under a
 * shared folder may have been planted by someone else; each candidate is tried before it is used.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { findFreePort } from './free-port.ts'
import type { RunAs } from './run-as.ts'

/** `.s.PGSQL.5432` and the longest name of our own, within the 107 bytes of sun_path. */
const DIRECTORY_BYTES_MAX = 107 - '/.s.PGSQL.5432'.length

export type Endpoint =
  | { readonly kind: 'socket'; readonly directory: string; readonly port: number }
  | { readonly kind: 'loopback'; readonly port: number }

/** A socket directory that works, else a free port of the loopback interface. */
export async function chooseEndpoint(dataDir: string, runAs: RunAs): Promise<Endpoint> {
  for (const directory of socketDirectories(dataDir)) {
    if (await prepareSocketDirectory(directory, runAs)) {
      return { kind: 'socket', directory, port: 5432 }
    }
  }
  return { kind: 'loopback', port: await findFreePort() }
}

/** In order of preference. The runtime directory is last: it is wiped when its user signs out. */
export function socketDirectories(dataDir: string): string[] {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  const folders = new Set([tmpdir(), '/tmp', process.env.XDG_RUNTIME_DIR ?? '/run'])
  const shared = [...folders].filter((folder) => isAbsolute(folder))
  return [join(dataDir, 'socket'), ...shared.map((folder) => join(folder, `purser-${hash}`))]
}

/**
 * True when a server can listen there. The server splits the setting at commas and takes quotes
 * out, so plain names only. What an earlier server left in the directory is removed: it is ours
 * alone and no server runs.
 */
export async function prepareSocketDirectory(directory: string, runAs: RunAs): Promise<boolean> {
  if (Buffer.byteLength(directory) > DIRECTORY_BYTES_MAX) return false
  if (!/^[\w./ +@=:~-]+$/.test(directory)) return false
  try {
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 })
    const stat = lstatSync(directory)
    const owners = [process.getuid!(), runAs.owner?.uid]
    if (!stat.isDirectory() || !owners.includes(stat.uid)) return false
    chmodSync(directory, 0o700)
    for (const name of readdirSync(directory)) {
      if (name.startsWith('.s.')) rmSync(join(directory, name), { force: true })
    }
    await tryListening(join(directory, '.s.trial'))
    if (runAs.owner) chownSync(directory, runAs.owner.uid, runAs.owner.gid)
    return true
  } catch {
    return false
  }
}

/** After the server: an empty directory would stay in a shared folder. */
export function removeSocketDirectory(endpoint: Endpoint): void {
  if (endpoint.kind !== 'socket') return
  try {
    rmdirSync(endpoint.directory)
  } catch {
    // Not ours to insist: the next start takes it as it is.
  }
}

function tryListening(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(path, () => server.close(() => resolve()))
  })
}
