/**
 * A backup as a file (docs/operating/backup.md describes the format):
 * - A tar archive compressed with zstd: `<table>/000001` … hold the table's rows as COPY text,
 *   `manifest.json` says what must be there. Standard tools can read it without Purser.
 * - Its last 64 bytes are a frame that zstd skips: the format's name, the length of the manifest's
 *   own frame, and a SHA-256 of everything before the hash. No damage goes unseen.
 * - Nothing larger than one part is ever held in memory.
 */
import { createHash, type Hash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createZstdCompress, createZstdDecompress, zstdCompress, zstdDecompress } from 'node:zlib'
import { StartupError } from '../lib/startup-error.ts'
import { syncFolder } from './sync-folder.ts'
import { parseTarHeader, TAR_BLOCK_BYTES, tarEnd, tarHeader, tarPadding } from './tar.ts'

const FORMAT_FAMILY = 'purser-backup-'
const FORMAT = `${FORMAT_FAMILY}1\n`
const SKIPPABLE_FRAME = 0x184d2a50
const TRAILER_BYTES = 64
const HASH_BYTES = 32
const PART_BYTES_MIN = 1 << 20
/** A part ends with the first chunk that fills it; no chunk comes near this. */
const PART_BYTES_MAX = 64 << 20
const MANIFEST_BYTES_MAX = 64 << 20

export interface BackupTable {
  readonly name: string
  readonly columns: readonly string[]
}

/** A table as the manifest describes it: `bytes` and `sha256` are of its COPY text. */
export interface StoredTable extends BackupTable {
  readonly rows: number
  readonly parts: number
  readonly bytes: number
  readonly sha256: string
}

export interface ManifestHead {
  /** The number of the last migration, and the names of all. */
  readonly schema: number
  readonly migrations: readonly string[]
  readonly postgresMajor: number
  /** ISO 8601 */
  readonly takenAt: string
  /** The next value that each sequence would give out. */
  readonly sequences: readonly { readonly name: string; readonly next: string }[]
}

export interface Manifest extends ManifestHead {
  readonly tables: readonly StoredTable[]
}

/** The rows of a table as COPY text; `rowCount` is read once the stream has ended. */
export type TableSource = BackupTable & { open(): Readable & { readonly rowCount: number } }

/**
 * Writes a backup under a temporary name beside `file`, reads it again, and only then gives it
 * its name, on disk. An earlier file of that name is replaced by a whole backup or not at all.
 */
export async function writeBackupFile(
  file: string,
  head: ManifestHead,
  tables: readonly TableSource[],
): Promise<Manifest> {
  const partial = join(dirname(file), `${basename(file)}.${process.pid}.partial`)
  try {
    const earlier = await stat(file).catch(() => undefined)
    if (earlier?.isDirectory()) throw new StartupError(`${file} is a folder: name a file in it`)
    const flags = constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY
    const handle = await open(partial, flags, 0o600)
    let manifest: Manifest
    try {
      // A file that a killed run left keeps its mode when it is truncated.
      await handle.chmod(0o600)
      manifest = await writeContents(handle, head, tables)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await verifyBackupFile(partial)
    await rename(partial, file)
    await syncFolder(dirname(file))
    return manifest
  } catch (error) {
    await rm(partial, { force: true })
    throw asFileError(error, file)
  }
}

async function writeContents(
  handle: FileHandle,
  head: ManifestHead,
  sources: readonly TableSource[],
): Promise<Manifest> {
  const hash = createHash('sha256')
  const tables: StoredTable[] = []
  async function append(bytes: Buffer): Promise<void> {
    hash.update(bytes)
    await handle.writeFile(bytes)
  }
  async function* archive(): AsyncGenerator<Buffer> {
    const modifiedAt = new Date(head.takenAt)
    for (const source of sources) {
      tables.push(yield* archiveTable(source, modifiedAt))
    }
  }
  await pipeline(archive, createZstdCompress(), async (compressed) => {
    for await (const chunk of compressed) await append(chunk as Buffer)
  })
  const manifest: Manifest = { ...head, tables }
  const text = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`)
  const entry = { name: 'manifest.json', bytes: text.length, modifiedAt: new Date(head.takenAt) }
  const frame = await promisify(zstdCompress)(
    Buffer.concat([tarHeader(entry), text, tarPadding(text.length), tarEnd()]),
  )
  await append(frame)
  const trailer = Buffer.alloc(TRAILER_BYTES - HASH_BYTES)
  trailer.writeUInt32LE(SKIPPABLE_FRAME, 0)
  trailer.writeUInt32LE(TRAILER_BYTES - 8, 4)
  trailer.write(FORMAT, 8, 'latin1')
  trailer.writeBigUInt64LE(BigInt(frame.length), 24)
  await append(trailer)
  await handle.writeFile(hash.digest())
  return manifest
}

/** Yields the table's entries and returns what the manifest says of it. */
async function* archiveTable(
  source: TableSource,
  modifiedAt: Date,
): AsyncGenerator<Buffer, StoredTable> {
  const hash = createHash('sha256')
  const stream = source.open()
  let parts = 0
  let bytes = 0
  let waiting: Buffer[] = []
  let waitingBytes = 0
  function* part(): Generator<Buffer> {
    parts += 1
    yield tarHeader({ name: partName(source.name, parts), bytes: waitingBytes, modifiedAt })
    yield* waiting
    yield tarPadding(waitingBytes)
    waiting = []
    waitingBytes = 0
  }
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (waitingBytes >= PART_BYTES_MIN) yield* part()
  }
  if (waitingBytes > 0) yield* part()
  const { name, columns } = source
  return { name, columns, rows: stream.rowCount, parts, bytes, sha256: hash.digest('hex') }
}

function partName(table: string, part: number): string {
  return `${table}/${String(part).padStart(6, '0')}`
}

/** A backup whose bytes are known to be those that were written. */
export interface BackupFile {
  readonly manifest: Manifest
  /** The rows of one table. Tables are read in the order of the manifest, each one once. */
  readTable(table: StoredTable): AsyncGenerator<Buffer>
  close(): void
}

/** Refuses (StartupError) what is not a backup, is of a newer format, or damaged anywhere. */
export async function openBackupFile(file: string): Promise<BackupFile> {
  try {
    const { manifest, archiveBytes } = await readEnd(file)
    const opened = openArchive(file, archiveBytes)
    return {
      manifest,
      async *readTable(table) {
        const hash = createHash('sha256')
        for (let part = 1; part <= table.parts; part++) {
          const name = partName(table.name, part)
          const data = await readEntry(opened.reader, name).catch((error: unknown) => {
            throw asFileError(error, file)
          })
          hash.update(data)
          yield data
        }
        if (hash.digest('hex') !== table.sha256) throw asFileError(new DamagedFile(), file)
      },
      close: opened.close,
    }
  } catch (error) {
    throw asFileError(error, file)
  }
}

/** Reads all of a backup, as a restoration would, and compares it with its manifest. */
async function verifyBackupFile(file: string): Promise<void> {
  const backup = await openBackupFile(file)
  try {
    for (const table of backup.manifest.tables) {
      let rows = 0
      for await (const data of backup.readTable(table)) rows += countLines(data)
      if (rows !== table.rows) throw asFileError(new DamagedFile(), file)
    }
  } finally {
    backup.close()
  }
}

/** A row of COPY text is a line: a line break within a value is written as \n. */
function countLines(data: Buffer): number {
  let lines = 0
  for (let at = data.indexOf(10); at !== -1; at = data.indexOf(10, at + 1)) lines += 1
  return lines
}

class DamagedFile extends Error {
  override readonly name = 'DamagedFile'
}

/** The manifest and the length of the archive before it, once the whole file's hash is right. */
async function readEnd(file: string): Promise<{ manifest: Manifest; archiveBytes: number }> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const trailer = await readAt(handle, size - TRAILER_BYTES, TRAILER_BYTES)
    const format = trailer.toString('latin1', 8, 24)
    if (!format.startsWith(FORMAT_FAMILY)) throw new DamagedFile()
    const hash = createHash('sha256')
    await hashUpTo(file, size - HASH_BYTES, hash)
    if (!hash.digest().equals(trailer.subarray(-HASH_BYTES))) throw new DamagedFile()
    if (format !== FORMAT) {
      throw new StartupError(`${file} was made by a newer version of Purser: use that one`)
    }
    const manifestBytes = Number(trailer.readBigUInt64LE(24))
    const archiveBytes = size - TRAILER_BYTES - manifestBytes
    if (manifestBytes > MANIFEST_BYTES_MAX) throw new DamagedFile()
    const frame = await readAt(handle, archiveBytes, manifestBytes)
    const entry = await promisify(zstdDecompress)(frame, { maxOutputLength: MANIFEST_BYTES_MAX })
    const header = parseTarHeader(entry.subarray(0, TAR_BLOCK_BYTES))
    if (header?.name !== 'manifest.json') throw new DamagedFile()
    const text = entry.toString('utf8', TAR_BLOCK_BYTES, TAR_BLOCK_BYTES + header.bytes)
    return { manifest: JSON.parse(text) as Manifest, archiveBytes }
  } finally {
    await handle.close()
  }
}

async function readAt(handle: FileHandle, position: number, bytes: number): Promise<Buffer> {
  if (position < 0) throw new DamagedFile()
  const buffer = Buffer.alloc(bytes)
  const { bytesRead } = await handle.read(buffer, 0, bytes, position)
  if (bytesRead !== bytes) throw new DamagedFile()
  return buffer
}

async function hashUpTo(file: string, bytes: number, hash: Hash): Promise<void> {
  const stream = createReadStream(file, { end: bytes - 1, highWaterMark: PART_BYTES_MIN })
  for await (const chunk of stream) hash.update(chunk as Buffer)
}

function openArchive(file: string, bytes: number): { reader: ByteReader; close(): void } {
  const source = createReadStream(file, { end: bytes - 1 })
  const plain = createZstdDecompress()
  // Whoever reads `plain` learns of a failure there.
  pipeline(source, plain).catch(() => {})
  return { reader: new ByteReader(plain), close: () => void source.destroy() }
}

async function readEntry(reader: ByteReader, name: string): Promise<Buffer> {
  const header = parseTarHeader(await reader.take(TAR_BLOCK_BYTES))
  if (header?.name !== name || header.bytes > PART_BYTES_MAX) throw new DamagedFile()
  const data = await reader.take(header.bytes)
  await reader.take(tarPadding(header.bytes).length)
  return data
}

/** Takes exactly so many bytes at a time from a stream. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  async take(bytes: number): Promise<Buffer> {
    const taken = [this.#rest]
    let length = this.#rest.length
    while (length < bytes) {
      const next = await this.#chunks.next()
      if (next.done) throw new DamagedFile()
      taken.push(next.value)
      length += next.value.length
    }
    const all = taken.length === 1 ? this.#rest : Buffer.concat(taken, length)
    this.#rest = all.subarray(bytes)
    return all.subarray(0, bytes)
  }
}

const FILE_PROBLEMS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'there is no such file or folder'],
  ['EACCES', 'this user may not'],
  ['EPERM', 'this user may not'],
  ['EROFS', 'the file system is read-only'],
  ['EISDIR', 'it is a folder'],
  ['ENOTDIR', 'its folder is a file'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk quota is used up'],
])

/** One clear line for what the operator can act on; everything else as it is. */
function asFileError(error: unknown, file: string): unknown {
  if (error instanceof StartupError) return error
  const { code } = error as { code?: unknown }
  const isDamage =
    error instanceof DamagedFile ||
    error instanceof SyntaxError ||
    (typeof code === 'string' && /^(ZSTD|Z)_/.test(code))
  if (isDamage) {
    return new StartupError(`${file} is not a backup of Purser, or it is damaged or incomplete`)
  }
  const problem = FILE_PROBLEMS.get(code)
  const isSystem = typeof (error as { syscall?: unknown }).syscall === 'string'
  return isSystem && problem !== undefined
    ? new StartupError(`the backup ${file} cannot be read or written: ${problem}`)
    : error
}
