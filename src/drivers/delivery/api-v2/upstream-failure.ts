import type { Reply } from './panel-connection.ts'
import { readError } from './panel-values.ts'

/** An upstream could not be asked, or said nothing that helps. Its text names no secret. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
}

/** Throws unless the upstream has said what it was asked: a no or nonsense is a failure. */
export function requireAnswer(reply: Reply, asked: string): unknown {
  if (reply.kind !== 'answered') throw new UpstreamFailure(`${asked}: ${reply.reason}`)
  const { status, body } = reply
  const error = readError(body)
  if (error !== undefined) throw new UpstreamFailure(`${asked}: ${error}`)
  if (status < 200 || status > 299) throw new UpstreamFailure(`${asked}: HTTP ${status}`)
  if (body === undefined) throw new UpstreamFailure(`${asked}: the answer is no JSON`)
  return body
}
