/**
 * The server's own log, DATA_DIR/postgres.log. PostgreSQL writes to it through an inherited
 * descriptor opened for appending, so that it survives Purser and may be cut while in use.
 */
import { closeSync, copyFileSync, openSync, readSync, statSync, truncateSync } from 'node:fs'

const LOG_BYTES_MAX = 10 * 1024 * 1024
const OF_ONE_SESSION = [
  'the database system is',
  'terminating connection',
  'terminating background',
  'authentication failed',
  'FATAL:  database "',
  'FATAL:  role "',
  'too many clients',
  'too many connections',
  'remaining connection slots',
]
const TAIL_BYTES_MAX = 64 * 1024

/** Keeps one older part beside the log. Safe while the server writes: the next write appends. */
export function trimServerLog(logFile: string): void {
  if (sizeOf(logFile) <= LOG_BYTES_MAX) return
  copyFileSync(logFile, `${logFile}.1`)
  truncateSync(logFile, 0)
}

export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** What went wrong, from the lines after `fromByte`: a full disk, else the last fatal line. */
export function readServerFailure(logFile: string, fromByte: number): string | undefined {
  return findFailure(readFrom(logFile, fromByte))
}

/** Exported for its test. */
export function findFailure(text: string): string | undefined {
  const lines = text.split('\n')
  const full = lines.findLast((line) => line.includes('No space left on device'))
  const fatal =
    full ??
    lines.findLast((line) => / (PANIC|FATAL): {2}/.test(line) && !isOfOneSession(line)) ??
    lines.findLast((line) => /error/i.test(line))
  return fatal?.replace(/^.*? (PANIC|FATAL|ERROR|LOG): {2}/, '').trim()
}

/** A refused connection is fatal to that session only and says nothing about the server. */
function isOfOneSession(line: string): boolean {
  return OF_ONE_SESSION.some((text) => line.includes(text))
}

function readFrom(file: string, fromByte: number): string {
  const size = sizeOf(file)
  const start = Math.max(fromByte > size ? 0 : fromByte, size - TAIL_BYTES_MAX)
  const buffer = Buffer.alloc(size - start)
  if (buffer.length === 0) return ''
  const descriptor = openSync(file, 'r')
  try {
    const length = readSync(descriptor, buffer, 0, buffer.length, start)
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(descriptor)
  }
}
