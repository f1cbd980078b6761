import type { SubmitAnswer } from '../../../core/orders/delivery-driver.ts'
import type { Reply } from './panel-connection.ts'
import { isObject, readError, readRef } from './panel-values.ts'

/**
 * What an upstream's answer to `add` says of the order. It is `refused` or `later` only where the
 * upstream certainly has not got it; whatever leaves a doubt is unknown. `isPurser`: it honours
 * idempotency keys, as another Purser does.
 */
export function readAddAnswer(reply: Reply, o: { isPurser: boolean }): SubmitAnswer {
  switch (reply.kind) {
    case 'not sent':
      return later(reply.reason)
    case 'lost':
      return UNKNOWN
    case 'answered': {
      const error = readError(reply.body)
      // Its own provider has refused: the order has failed there, and its key is free again.
      if (o.isPurser && reply.status === 502 && error !== undefined && REFUSED_BEHIND.test(error)) {
        return { kind: 'refused', reason: error }
      }
      return byStatus(reply, error)
    }
  }
}

/** What Purser answers, as either panel, where `add` has waited for its provider's no. */
const REFUSED_BEHIND = /^(The provider returned an error\.?|server error)$/

const UNKNOWN = { kind: 'unknown' } as const

function later(reason: string, afterMs: number | null = null) {
  return { kind: 'later', reason, afterMs } as const
}

function byStatus(
  { status, body, retryAfterMs }: Extract<Reply, { kind: 'answered' }>,
  error: string | undefined,
): SubmitAnswer {
  const said = error === undefined ? undefined : byError(error, retryAfterMs)
  const spoke = error ?? `HTTP ${status}`
  if (status >= 200 && status < 300) {
    const ref = isObject(body) ? (readRef(body.order) ?? readRef(body.order_id)) : undefined
    // One that names an order and an error at once has said nothing that can be relied on.
    if (ref !== undefined) return error === undefined ? accepted(ref) : UNKNOWN
    return said ?? UNKNOWN
  }
  switch (status) {
    // By their meaning the request was not looked at.
    case 301:
    case 307:
    case 308:
      return later(`${spoke}: the API has another address`)
    case 401:
    case 402:
    case 403:
    case 425:
    case 429:
      return later(spoke, retryAfterMs)
    // It was half read, or something like it was taken before.
    case 408:
    case 409:
      return UNKNOWN
  }
  // Without a word of the panel itself it was somebody on the way who said no.
  if (status >= 400 && status < 500) return said ?? later(spoke, retryAfterMs)
  // A server that fails may have taken it first; only what is never said after that counts.
  return said?.kind === 'later' ? said : UNKNOWN
}

function accepted(ref: string): SubmitAnswer {
  return { kind: 'accepted', ref, startCount: null }
}

/** Said before an order is taken: what stands in its way can pass. */
const PASSING: readonly {
  readonly says: RegExp
  readonly afterMs: number | null
  readonly isOwn?: true
}[] = [
  { says: /active order/i, afterMs: 60_000, isOwn: true },
  {
    says: /not[ _]enough[ _](funds|balance|money|credit)|insufficient|(low|no) (balance|funds)/i,
    afterMs: null,
  },
  {
    says: /api[ _-]?key|(invalid|incorrect|wrong) key|access denied|unauthori[sz]ed|forbidden/i,
    afterMs: null,
  },
  { says: /account (is )?(not active|inactive|disabled|suspended|blocked)/i, afterMs: null },
  { says: /too many requests|rate.?limit|maintenance/i, afterMs: null },
]
/** May be said after an order was taken, or of one that was. */
const DOUBTFUL = new RegExp(
  [
    'internal|server error|something went wrong|unexpected|unknown error|exception|fatal',
    'time(d)?[ -]?out|gateway|provider|database|sql|try again|unavailable',
    'duplicate|already',
  ].join('|'),
  'i',
)

function byError(error: string, retryAfterMs: number | null): SubmitAnswer {
  const passing = PASSING.find(({ says }) => says.test(error))
  if (passing !== undefined) {
    const answer = later(error, retryAfterMs ?? passing.afterMs)
    return passing.isOwn === true ? { ...answer, isOwn: true } : answer
  }
  return DOUBTFUL.test(error) ? UNKNOWN : { kind: 'refused', reason: error }
}
