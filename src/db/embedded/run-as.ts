/**
 * As whom PostgreSQL runs: it refuses root. An ordinary user runs it directly. Root runs it in a
 * user namespace in which root has another number, so that there is no system user to create and
 * no owner to change; where namespaces are forbidden (many containers) or cannot reach the files
 * (another user's private home), as an existing unprivileged user who then owns the cluster.
 * A cluster that exists decides: it keeps running as its owner.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { StartupError } from '../../lib/startup-error.ts'
import type { PostgresBinaries } from './binaries.ts'

export interface RunAs {
  /** for the log */
  readonly how: string
  readonly prefix: readonly string[]
  /** set when the cluster's files must belong to this user, who is not the one running Purser */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const DIRECT: RunAs = { how: 'directly', prefix: [] }

/** The server's environment is fixed: no PG* variable or locale of the caller reaches it. */
const SERVER_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

export function spawnAs(
  runAs: RunAs,
  command: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const [program, ...args] = [...runAs.prefix, ...command]
  return spawn(program!, args, {
    ...options,
    ...runAs.owner,
    env: { ...SERVER_ENVIRONMENT, ...options.env },
  })
}

/** Whom to run the server as, or a StartupError that says why nobody can. */
export function chooseRunAs(o: {
  dataDir: string
  clusterDir: string
  binaries: PostgresBinaries
}): RunAs {
  const uid = process.getuid!()
  const clusterOwner = statSync(o.clusterDir, { throwIfNoEntry: false })?.uid
  if (uid !== 0) {
    if (clusterOwner !== undefined && clusterOwner !== uid) {
      throw new StartupError(
        `${o.clusterDir} belongs to ${nameOf(clusterOwner)}: start Purser as that user or as root.`,
      )
    }
    return requireWorking(DIRECT, o)
  }
  const users = readPasswd()
  const candidates: RunAs[] =
    clusterOwner !== undefined && clusterOwner !== 0
      ? [asOwner(users, clusterOwner)]
      : [inNamespace(users), ...unprivilegedUsers(users, o.dataDir)]
  const failures: string[] = []
  for (const candidate of candidates) {
    if (candidate.owner) letPass(o.dataDir)
    const failure = failureOf(candidate, o)
    if (failure === undefined) return candidate
    failures.push(`${candidate.how}: ${failure}`)
  }
  throw new StartupError(
    `PostgreSQL refuses to run as root, and nobody else could run ${o.binaries.root} ` +
      `on ${o.dataDir} (${failures.join('; ')}): start Purser as an ordinary user, ` +
      'move both to where such a user may read, or set DATABASE_URL.',
  )
}

/**
 * initdb, unlike the server, wants a name for the user it runs as; a container may run under a
 * number that has none. A namespace in which the number is a named one answers that.
 */
export function chooseInitdbRunAs(runAs: RunAs): RunAs {
  const uid = process.getuid!()
  if (uid === 0 || hasName()) return runAs
  const named = inNamespace(readPasswd())
  const [program, ...args] = [...named.prefix, 'true']
  if (spawnSync(program!, args).status === 0) return named
  throw new StartupError(
    `PostgreSQL needs a name for user number ${uid} to set up its data: ` +
      'add one to /etc/passwd, or set DATABASE_URL.',
  )
}

function hasName(): boolean {
  try {
    return userInfo().username !== ''
  } catch {
    return false
  }
}

/** Lets the server's user through to its own directory; the other files keep their own modes. */
function letPass(dataDir: string): void {
  const stat = statSync(dataDir)
  if (stat.uid === 0) chmodSync(dataDir, (stat.mode & 0o777) | 0o011)
}

function requireWorking(runAs: RunAs, o: { dataDir: string; binaries: PostgresBinaries }): RunAs {
  const failure = failureOf(runAs, o)
  if (failure === undefined) return runAs
  throw new StartupError(
    `The packaged PostgreSQL does not run here: ${failure}. Set DATABASE_URL to use your own.`,
  )
}

/** Tries whether this identity reaches DATA_DIR and can run the server program at all. */
function failureOf(
  runAs: RunAs,
  o: { dataDir: string; binaries: PostgresBinaries },
): string | undefined {
  const reach = runAs.owner ? 'test -x "$1"' : 'test -x "$1" && test -w "$1"'
  const [program, ...args] = [
    ...runAs.prefix,
    '/bin/sh',
    '-c',
    `${reach} && exec "$2" -V`,
    'sh',
    o.dataDir,
    o.binaries.postgres,
  ]
  const result = spawnSync(program!, args, {
    cwd: '/',
    ...runAs.owner,
    env: SERVER_ENVIRONMENT,
    encoding: 'utf8',
  })
  if (result.status === 0) return undefined
  const said = result.error?.message ?? result.stderr.trim().split('\n').at(-1)
  return said || `${o.dataDir} is out of reach`
}

/** Any named user will do as the number inside; 65534 also stands for every foreign file there. */
function inNamespace(users: readonly PasswdEntry[]): RunAs {
  const inside = users.find((user) => user.uid !== 0 && user.uid !== 65534)?.uid ?? 65534
  return {
    how: 'a user namespace',
    prefix: ['unshare', '-U', `--map-user=${inside}`, `--map-group=${inside}`, '--'],
  }
}

function unprivilegedUsers(users: readonly PasswdEntry[], dataDir: string): RunAs[] {
  const owners = [ownerOfNearest(dirname(dataDir))].filter((uid) => uid !== 0)
  const named = users.filter((user) => user.name === 'postgres' || user.name === 'nobody')
  const uids = new Set([
    ...owners.filter((uid) => users.some((user) => user.uid === uid)),
    ...named.filter((user) => user.name === 'postgres').map((user) => user.uid),
    ...named.map((user) => user.uid),
  ])
  return [...uids].map((uid) => asOwner(users, uid))
}

function asOwner(users: readonly PasswdEntry[], uid: number): RunAs {
  const user = users.find((entry) => entry.uid === uid)
  return {
    how: `user ${user?.name ?? uid}`,
    prefix: [],
    owner: { uid, gid: user?.gid ?? uid },
  }
}

function ownerOfNearest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? stat.uid : ownerOfNearest(dirname(path))
}

function nameOf(uid: number): string {
  const name = readPasswd().find((user) => user.uid === uid)?.name
  return name ? `user ${name}` : `user number ${uid}`
}

function readPasswd(): PasswdEntry[] {
  let text: string
  try {
    text = readFileSync('/etc/passwd', 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : []
  })
}

/** The version of the server program, such as `18.4`. */
export function runVersion(runAs: RunAs, binaries: PostgresBinaries): string {
  const [program, ...args] = [...runAs.prefix, binaries.postgres, '-V']
  const result = spawnSync(program!, args, {
    cwd: '/',
    ...runAs.owner,
    env: SERVER_ENVIRONMENT,
    encoding: 'utf8',
  })
  return /(\d+(\.\d+)*)/.exec(result.stdout.replace(/^.*\(PostgreSQL\)/, ''))?.[1] ?? 'unknown'
}
