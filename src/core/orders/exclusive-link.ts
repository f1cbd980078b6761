import { createHash } from 'node:crypto'

/** PostgreSQL's index takes no longer ones. */
const BYTES_MAX = 1_000
const SCHEME_AND_HOST = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/**
 * What two links have in common that mean the same: the scheme and the host are written in small
 * letters. A very long one is told by its hash.
 */
export function exclusiveLinkOf(link: string): string {
  const same = link.trim().replace(SCHEME_AND_HOST, (start) => start.toLowerCase())
  if (Buffer.byteLength(same) <= BYTES_MAX) return same
  return `sha256:${createHash('sha256').update(same).digest('hex')}`
}
